"""Grafana's dashboard JSON as dataclasses, as far as stackctl uses it.

Schema version 39, which Grafana 11 to 13 all read: Grafana migrates a dashboard upwards only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any

SCHEMA_VERSION = 39
DATASOURCE_UID = "${datasource}"


def to_json(value: Any) -> Any:
    """Plain JSON values: snake_case fields become camelCase, fields that are None are left out.

    The keys of dictionaries are Grafana's own and pass unchanged.
    """
    if isinstance(value, str | int | float | None):
        return value
    kind: Any = type(value)
    if named := _named(kind):
        pairs = ((name, getattr(value, own)) for own, name in named)
        return {name: to_json(content) for name, content in pairs if content is not None}
    if isinstance(value, dict):
        return {name: to_json(content) for name, content in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(content) for content in value]
    return value


@cache
def _named(kind: type[Any]) -> tuple[tuple[str, str], ...]:
    """A dataclass's fields, each with its name in Grafana's JSON; of another type none."""
    return tuple((item.name, _camel(item.name)) for item in fields(kind)) if is_dataclass(kind) else ()


def _camel(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)


@dataclass(frozen=True)
class Datasource:
    """The Prometheus that the dashboard's variable `datasource` chose."""

    type_: str = "prometheus"
    uid: str = DATASOURCE_UID


@dataclass(frozen=True)
class GridPos:
    """A place on the grid of 24 columns."""

    h: int
    w: int
    x: int
    y: int


@dataclass(frozen=True)
class Target:
    """One query of a panel."""

    ref_id: str
    expr: str
    legend_format: str | None = None
    format: str = "time_series"
    instant: bool = False
    range: bool = True
    editor_mode: str = "code"
    datasource: Datasource = Datasource()


@dataclass(frozen=True)
class Link:
    """A link of a dashboard (to all with a tag) or of a panel (to a URL)."""

    title: str
    type_: str
    icon: str
    tooltip: str
    tags: tuple[str, ...]
    as_dropdown: bool
    target_blank: bool
    include_vars: bool
    keep_time: bool
    url: str | None = None


@dataclass(frozen=True)
class FieldConfig:
    """How values are shown: the defaults, and what differs for single columns."""

    defaults: dict[str, Any]
    overrides: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Panel:
    """A visualization, or with type `row` a heading."""

    id_: int
    type_: str
    title: str
    grid_pos: GridPos
    description: str | None = None
    datasource: Datasource | None = None
    targets: list[Target] | None = None
    field_config: FieldConfig | None = None
    options: dict[str, Any] | None = None
    transformations: list[dict[str, Any]] | None = None
    links: list[Link] | None = None
    interval: str | None = None
    time_from: str | None = None
    repeat: str | None = None
    repeat_direction: str | None = None
    max_per_row: int | None = None
    collapsed: bool | None = None
    panels: list[Panel] | None = None


@dataclass(frozen=True)
class Variable:
    """A template variable: the datasource, or the values of a label."""

    name: str
    label: str
    type_: str
    query: str
    description: str | None = None
    definition: str | None = None
    datasource: Datasource | None = None
    current: dict[str, Any] | None = None
    refresh: int | None = None
    sort: int | None = None
    include_all: bool | None = None
    all_value: str | None = None
    multi: bool | None = None
    regex: str | None = None


@dataclass(frozen=True)
class Annotation:
    """Marks in every graph of the dashboard."""

    name: str
    expr: str
    title_format: str
    text_format: str
    tag_keys: str
    icon_color: str
    enable: bool = True
    hide: bool = False
    step: str = "60s"
    datasource: Datasource = Datasource()


@dataclass(frozen=True)
class Dashboard:
    """A whole dashboard. `id` is Grafana's own and `version` would only make noise, so neither is written."""

    uid: str
    title: str
    description: str
    tags: list[str]
    time: dict[str, str]
    templating: dict[str, list[Variable]]
    annotations: dict[str, list[Annotation]]
    links: list[Link]
    panels: list[Panel]
    schema_version: int = SCHEMA_VERSION
    timezone: str = "browser"
    refresh: str = "30s"
    editable: bool = False
    graph_tooltip: int = 1
