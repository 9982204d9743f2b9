"""Grafana dashboards: ours, exported ones, and those wrapped by Grafana's API."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.problem import Position
    from stackctl.source import Node, Placed

_LABEL_VALUES = re.compile(r"\s*label_values\((?:(?P<query>.*),)?\s*(?P<label>\w+)\s*\)\s*$", re.DOTALL)
_QUERY_RESULT = re.compile(r"\s*query_result\((?P<query>.*)\)\s*$", re.DOTALL)
_NOT_PROMETHEUS = re.compile(
    r"loki|tempo|elasticsearch|influx|sql|postgres|cloudwatch|graphite|jaeger|testdata|grafana$"
)
NO_QUERY = frozenset(
    {"row", "text", "dashlist", "news", "welcome", "alertlist", "annolist", "gettingstarted", "nodeGraph"}
)


@dataclass(frozen=True)
class Target:
    """One query of a panel."""

    ref: str
    expr: Placed
    legend: Placed | None
    instant: bool


@dataclass(frozen=True)
class Panel:
    """One panel, wherever it is nested."""

    id: int
    title: str
    type: str
    description: str
    units: tuple[Placed, ...]
    datasources: tuple[tuple[str, Position], ...]
    targets: tuple[Target, ...]
    position: Position


@dataclass(frozen=True)
class Variable:
    """A template variable. `value` is what it stands for in a query outside of strings, "" if that is unknown."""

    name: str
    type: str
    multi: bool
    value: str
    label: str
    query: Placed | None
    position: Position


@dataclass(frozen=True)
class Dashboard:
    """One dashboard."""

    file: str
    uid: str
    title: str
    uid_position: Position
    variables: tuple[Variable, ...]
    panels: tuple[Panel, ...]
    annotations: tuple[Placed, ...]
    inputs: frozenset[str]

    def values(self) -> dict[str, str]:
        """Texts for variables outside of strings."""
        return {variable.name: variable.value for variable in self.variables if variable.value}


def read_dashboard(root: Node) -> Dashboard:
    """A dashboard; an API answer's `dashboard` is looked into."""
    node = root.get("dashboard") if root.get("dashboard").get("panels") else root
    annotations = [item.get("expr").placed for item in node.get("annotations", "list")]
    return Dashboard(
        root.lines.file,
        node.get("uid").text,
        node.get("title").text,
        node.get("uid").position,
        tuple(_variable(item) for item in node.get("templating", "list")),
        tuple(_panel(item) for item in _panel_nodes(node)),
        tuple(item for item in annotations if item is not None and item.text),
        frozenset(item.get("name").text for item in node.get("__inputs")),
    )


def _panel_nodes(node: Node) -> Iterator[Node]:
    """Panels at every depth: collapsed rows hold theirs in `panels`, dashboards before version 16 in `rows`."""
    for row in node.get("rows"):
        yield from _panel_nodes(row)
    for panel in node.get("panels"):
        if panel.get("type").text != "row":
            yield panel
        yield from _panel_nodes(panel)


def _panel(node: Node) -> Panel:
    number = node.get("id").data
    targets = [item for item in node.get("targets") if _asks_prometheus(item)]
    sources = [node.get("datasource"), *(item.get("datasource") for item in targets)]
    return Panel(
        number if isinstance(number, int) else 0,
        node.get("title").text,
        node.get("type").text,
        node.get("description").text,
        tuple(_units(node)),
        tuple((_datasource(item), item.position) for item in sources if item),
        tuple(_target(item) for item in targets if item.get("expr").placed and item.get("expr").text.strip()),
        node.position,
    )


def _asks_prometheus(target: Node) -> bool:
    source = target.get("datasource", "type").text or target.get("datasource").text
    return not _NOT_PROMETHEUS.search(source.lower())


def _datasource(node: Node) -> str:
    return node.get("uid").text or node.text


def _target(node: Node) -> Target:
    expr = node.get("expr").placed
    assert expr is not None  # noqa: S101 the caller keeps targets without an expression out
    return Target(node.get("refId").text, expr, node.get("legendFormat").placed, bool(node.get("instant").data))


def _units(node: Node) -> Iterator[Placed]:
    places = [node.get("fieldConfig", "defaults", "unit"), node.get("format")]
    places += [axis.get("format") for axis in node.get("yaxes")]
    for override in node.get("fieldConfig", "overrides"):
        for item in override.get("properties"):
            if item.get("id").text == "unit":
                places.append(item.get("value"))
    for place in places:
        if place.placed is not None and place.text:
            yield place.placed


def _variable(node: Node) -> Variable:
    query = node.get("query", "query") or node.get("query")
    label, placed = _variable_query(query, node.get("type").text)
    return Variable(
        node.get("name").text,
        node.get("type").text,
        bool(node.get("multi").data or node.get("includeAll").data),
        _value(node),
        label,
        placed,
        node.position,
    )


def _variable_query(node: Node, type_: str) -> tuple[str, Placed | None]:
    """The label and the PromQL in a variable's query."""
    if type_ != "query" or node.placed is None:
        return "", None
    for pattern in (_LABEL_VALUES, _QUERY_RESULT):
        match = pattern.match(node.text)
        if match:
            label = match.groupdict().get("label") or ""
            return label, node.placed.part(*match.span("query")) if match["query"] else None
    return "", None


def _value(node: Node) -> str:
    """The current value; where that is all or none, the first option."""
    if node.get("type").text in ("datasource", "query"):
        return ""
    current = node.get("current", "value").data
    texts = [item.text for item in current] if isinstance(current, list) else [node.get("current", "value").text]
    texts += [option.get("value").text for option in node.get("options")]
    texts += node.get("query").text.split(",")
    usable = [text.strip() for text in texts if text.strip() and text not in ("$__all", "All") and "$" not in text]
    return usable[0] if usable else ""
