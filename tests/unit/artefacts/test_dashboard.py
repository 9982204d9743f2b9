"""Dashboards of every age and wrapping."""

from __future__ import annotations

import json
from typing import Any

from stackctl.artefacts import read_dashboard
from stackctl.source import read_json


def titles(content: dict[str, Any]) -> list[str]:
    return [panel.title for panel in read_dashboard(read_json(json.dumps(content), "d.json")).panels]


def panel(title: str, **more: Any) -> dict[str, Any]:
    return {"type": "timeseries", "title": title, "targets": [{"expr": "up"}]} | more


def test_panels_are_found_in_rows_of_every_generation() -> None:
    collapsed = {"type": "row", "title": "row", "panels": [panel("inner")]}
    assert titles({"panels": [panel("a"), collapsed]}) == ["a", "inner"]
    assert titles({"rows": [{"panels": [panel("old")]}]}) == ["old"]
    assert titles({"dashboard": {"panels": [panel("wrapped")]}, "meta": {}}) == ["wrapped"]


def test_queries_to_other_kinds_of_data_sources_are_left_out() -> None:
    targets = [{"expr": "up"}, {"expr": '{app="x"}', "datasource": {"type": "loki", "uid": "l"}}]
    content = {"panels": [panel("mixed", targets=targets)]}
    (found,) = read_dashboard(read_json(json.dumps(content), "d")).panels
    assert [target.expr.text for target in found.targets] == ["up"]


def test_a_variables_query_is_told_from_its_label() -> None:
    queries = ['label_values(up{a=~"$b"}, job)', {"query": "label_values(job)"}, "query_result(topk(1, up))", "*"]
    variables = [{"name": f"v{i}", "type": "query", "query": query} for i, query in enumerate(queries)]
    content = {"panels": [panel("p")], "templating": {"list": variables}}
    found = read_dashboard(read_json(json.dumps(content), "d")).variables
    assert [(item.label, item.query.text if item.query else None) for item in found] == [
        ("job", 'up{a=~"$b"}'),
        ("job", None),
        ("", "topk(1, up)"),
        ("", None),
    ]


def test_units_are_collected_from_defaults_overrides_and_old_axes() -> None:
    overrides = [{"properties": [{"id": "unit", "value": "s"}]}]
    new = panel("n", fieldConfig={"defaults": {"unit": "reqps"}, "overrides": overrides})
    old = panel("o", yaxes=[{"format": "bytes"}])
    found = read_dashboard(read_json(json.dumps({"panels": [new, old]}), "d")).panels
    assert [[unit.text for unit in item.units] for item in found] == [["reqps", "s"], ["bytes"]]
