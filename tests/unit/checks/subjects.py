"""Small subjects for the tests of single checks, against the bundled gateway's catalogue."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from stackctl.artefacts import Artefacts, read_artefact
from stackctl.catalogue.load import parse_catalogue
from stackctl.checks.catalogues import open_catalogue, series_index
from stackctl.checks.registry import module_of
from stackctl.checks.subject import Subject
from stackctl.problem import Problem

GOOD = {"summary": "s", "description": "d", "runbook_url": "http://runbooks/x"}
PROMETHEUS = """
global: {scrape_interval: 15s}
scrape_configs:
  - job_name: gateway
    static_configs: [{targets: ["127.0.0.1:4000"]}]
"""


def subject(*texts: str, catalogues: tuple[str, ...] = ("bundled",), own: str = "", **options: Any) -> Subject:
    """A subject of files given as text; `own` is a catalogue as YAML."""
    artefacts = Artefacts()
    for index, text in enumerate(texts):
        read_artefact(text, f"file{index}", artefacts)
    loaded = [parse_catalogue(own, "own")] if own else [open_catalogue(name, Path()) for name in catalogues]
    names = tuple(catalogue.line for catalogue in loaded)
    return Subject(artefacts, series_index(loaded), names, **options)


def alert(expr: str, name: str = "A", **rule: Any) -> str:
    """A rule file with one alert."""
    body = {"alert": name, "expr": expr, "labels": {"severity": "warning"}, "annotations": GOOD} | rule
    return yaml.safe_dump({"groups": [{"name": "g", "rules": [body]}]}, sort_keys=False)


def record(expr: str, name: str) -> str:
    """A rule file with one recording rule."""
    return yaml.safe_dump({"groups": [{"name": "r", "rules": [{"record": name, "expr": expr}]}]}, sort_keys=False)


def dashboard(*exprs: str, variables: list[dict[str, Any]] | None = None, uid: str = "d", **panel: Any) -> str:
    """A dashboard with one panel per expression."""
    source = {"type": "prometheus", "uid": "${datasource}"}
    panels = [
        {
            "id": index,
            "title": f"P{index}",
            "type": "timeseries",
            "description": "d",
            "datasource": source,
            "fieldConfig": {"defaults": {"unit": "short"}},
            "targets": [{"refId": "A", "expr": expr, "datasource": source}],
        }
        | panel
        for index, expr in enumerate(exprs)
    ]
    declared = [{"name": "datasource", "type": "datasource", "query": "prometheus"}, *(variables or [])]
    return json.dumps(
        {"uid": uid, "title": "D", "schemaVersion": 39, "panels": panels, "templating": {"list": declared}}
    )


def found(id_: str, subject: Subject) -> list[Problem]:
    """What one check finds."""
    module = import_module(module_of(id_))
    assert module.CHECK.id == id_
    return list(module.examine(subject))


def messages(id_: str, *texts: str, **options: Any) -> list[str]:
    """The messages of one check for these files."""
    return [problem.message for problem in found(id_, subject(*texts, **options))]
