"""Tables: several instant queries, one column each, joined on the labels they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackctl.render.dashboards.thresholds import steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackctl.catalogue.alerts import Alert
    from stackctl.render.dashboards.definition import Panel, Query

_WIDE = 270
_CELLS = {
    "plain": {"type": "auto"},
    "coloured": {"type": "color-background", "mode": "basic"},
    "bar": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
}


def table_transformations(panel: Panel) -> list[dict[str, Any]]:
    """Join the queries' rows, then name and order the columns: labels first, values in the order of the queries.

    A query without a column name only supplies rows.
    """
    names = _value_fields(panel)
    order = [*panel.labels, *names]
    organize = {
        "excludeByName": {"Time": True} | {name: True for name, query in names.items() if not query.column},
        "indexByName": {name: index for index, name in enumerate(order)},
        "renameByName": panel.labels | {name: query.column for name, query in names.items() if query.column},
    }
    return [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}]


def column_overrides(panel: Panel, alerts: Mapping[str, Alert]) -> list[dict[str, Any]]:
    """Unit, decimals and colours of each column that has its own, in the order of the queries."""
    overrides = [_override(query, alerts) for query in panel.queries]
    if panel.wide:
        width = [{"id": "custom.minWidth", "value": _WIDE}]
        overrides.append({"matcher": {"id": "byName", "options": panel.wide}, "properties": width})
    return overrides


def _value_fields(panel: Panel) -> dict[str, Query]:
    """How Grafana names the value field of each query of a table."""
    if len(panel.queries) == 1:
        return {"Value": panel.queries[0]}
    return {f"Value #{chr(ord('A') + index)}": query for index, query in enumerate(panel.queries)}


def _override(query: Query, alerts: Mapping[str, Alert]) -> dict[str, Any]:
    properties: list[dict[str, Any]] = []
    if query.unit:
        properties.append({"id": "unit", "value": query.unit})
    if query.decimals is not None:
        properties.append({"id": "decimals", "value": query.decimals})
    if query.cell != "plain":
        properties.append({"id": "custom.cellOptions", "value": _CELLS[query.cell]})
    if query.thresholds:
        properties.append({"id": "color", "value": {"mode": "thresholds"}})
        mode = {"mode": "absolute", "steps": steps(query.thresholds, alerts)}
        properties.append({"id": "thresholds", "value": mode})
        if query.cell == "bar":
            properties.append({"id": "max", "value": 1})
    return {"matcher": {"id": "byName", "options": query.column}, "properties": properties}
