"""Small specs rendered, for tests of dashboards."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from stackctl.render import Bundle, render_bundle
from stackctl.spec import parse_spec

ENGINES = ("bundled", "litellm")


def spec_text(engine: str = "bundled", more: str = "") -> str:
    gateway = f"gateway: {{engine: {engine}}}\n"
    return (
        f"version: 1\nname: acme\n{gateway}models: [{{name: m, deployments: [{{provider: openai, model: m}}]}}]\n{more}"
    )


@cache
def rendered(engine: str = "bundled", more: str = "") -> Bundle:
    return render_bundle(parse_spec(spec_text(engine, more)))


def dashboards(engine: str = "bundled", more: str = "", copy: str = "dashboards") -> dict[str, Any]:
    """uid → the dashboard's JSON."""
    files = rendered(engine, more).files
    found = [json.loads(text) for path, text in files.items() if path.startswith(f"grafana/{copy}/")]
    return {content["uid"]: content for content in found}


def panels(dashboard: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Title → panel, rows left out."""
    return {panel["title"]: panel for panel in dashboard["panels"] if panel["type"] != "row"}
