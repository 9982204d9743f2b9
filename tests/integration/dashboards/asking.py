"""Every query of every panel of a bundle, asked of a running Prometheus as Grafana would ask it."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import httpx

from stackctl.render.dashboards.promql import substitute

LAST_S = 900


def panel_queries(bundle: Path) -> dict[str, dict[str, Any]]:
    """ "Dashboard: panel[: column or legend]" → target."""
    found = {}
    for file in sorted((bundle / "grafana" / "dashboards").glob("*.json")):
        dashboard = json.loads(file.read_text())
        for panel in dashboard["panels"]:
            targets = panel.get("targets", [])
            for index, target in enumerate(targets):
                name = f"{dashboard['title']}: {panel['title']}"
                detail = _column(panel, index) or target.get("legendFormat", "")
                found[f"{name}: {detail}" if len(targets) > 1 else name] = target
    return found


def without_data(
    prometheus: str, targets: dict[str, dict[str, Any]], may_be: Collection[str], within_s: float
) -> set[str]:
    """The queries that have no data, once all others have or the time is over; every answer must be without error."""
    deadline = time.monotonic() + within_s
    waiting = targets
    while True:
        replies = {name: ask(prometheus, target) for name, target in waiting.items()}
        for name, reply in replies.items():
            assert reply["status"] == "success", f"{name}: {reply}"
            assert not reply.get("warnings"), f"{name}: {reply['warnings']}"
        waiting = {name: waiting[name] for name, reply in replies.items() if not _has_data(reply)}
        if waiting.keys() <= set(may_be) or time.monotonic() > deadline:
            return set(waiting)
        time.sleep(2)


def ask(prometheus: str, target: dict[str, Any]) -> dict[str, Any]:
    """Prometheus' reply, as Grafana would ask for it over the last quarter of an hour."""
    now = time.time()
    query = substitute(target["expr"], __range="15m", __interval="15s")
    instant = {"query": query, "time": now}
    ranged = {"query": query, "start": now - LAST_S, "end": now, "step": 5}
    path, data = ("query", instant) if target["instant"] else ("query_range", ranged)
    reply: dict[str, Any] = httpx.post(f"{prometheus}/api/v1/{path}", data=data, timeout=30).json()
    return reply


def _column(panel: dict[str, Any], index: int) -> str:
    overrides = panel["fieldConfig"]["overrides"]
    return str(overrides[index]["matcher"]["options"]) if overrides else ""


def _has_data(reply: dict[str, Any]) -> bool:
    return any(
        value != "NaN"
        for series in reply["data"]["result"]
        for _, value in series.get("values", [series.get("value", (0, "NaN"))])
    )
