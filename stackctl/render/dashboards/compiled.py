"""Definitions → Grafana's JSON, in two copies: one to be provisioned, one to be imported by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from stackctl.render.dashboards import grafana
from stackctl.render.dashboards.definition import load_variables
from stackctl.render.dashboards.layout import heading, place
from stackctl.render.dashboards.links import TAG, sibling_links
from stackctl.render.dashboards.panels import Context, build

if TYPE_CHECKING:
    from stackctl.render.dashboards.definition import Definition

PROMETHEUS_UID = "stackctl-prometheus"
_INPUT = "DS_PROMETHEUS"
_ALL = {"selected": True, "text": ["All"], "value": ["$__all"]}
_ON_TIME_RANGE_CHANGE = 2
_BY_NAME = 1


def compiled(definition: Definition, context: Context) -> grafana.Dashboard:
    """The dashboard as Grafana reads it, its datasource being the stack's own."""
    return grafana.Dashboard(
        uid=definition.uid,
        title=definition.title,
        description=definition.description,
        tags=[TAG, "llm"],
        time={"from": definition.range, "to": "now"},
        templating={"list": [_datasource_variable(), *map(_variable, definition.variables)]},
        annotations={"list": [_firing_alerts()]},
        links=sibling_links(),
        panels=_panels(definition, context),
    )


def both_copies(dashboard: grafana.Dashboard) -> tuple[str, str]:
    """For file provisioning, which never resolves inputs (grafana/grafana#10786), and for Grafana's import page, which
    asks for the datasource."""
    content = grafana.to_json(dashboard)
    provisioned = _text(content)
    placeholder = f"${{{_INPUT}}}"
    for variable in content["templating"]["list"]:
        if variable["type"] == "datasource":
            variable["current"] = {"selected": False, "text": placeholder, "value": placeholder}
    plugins = sorted({panel["type"] for panel in content["panels"]} - {"row"})
    return provisioned, _text({"__inputs": [_input()], "__requires": _requires(plugins)} | content)


def _panels(definition: Definition, context: Context) -> list[grafana.Panel]:
    panels: list[grafana.Panel] = []
    y = 0
    for row in definition.rows:
        panels.append(
            grafana.Panel(len(panels) + 1, "row", row.title, heading(y), collapsed=False, panels=[]),
        )
        places, y = place(row.panels, y + 1)
        for panel, position in zip(row.panels, places, strict=True):
            panels.append(build(panel, len(panels) + 1, position, context))
    return panels


def _datasource_variable() -> grafana.Variable:
    return grafana.Variable(
        name="datasource",
        label="Prometheus",
        type_="datasource",
        query="prometheus",
        description="The Prometheus that scrapes the gateway.",
        current={"selected": True, "text": "Prometheus", "value": PROMETHEUS_UID},
        refresh=1,
        include_all=False,
        multi=False,
        regex="",
    )


def _variable(name: str) -> grafana.Variable:
    variable = load_variables()[name]
    return grafana.Variable(
        name=name,
        label=variable.label,
        type_="query",
        query=variable.values,
        definition=variable.values,
        description=variable.description,
        datasource=grafana.Datasource(),
        current=_ALL,
        refresh=_ON_TIME_RANGE_CHANGE,
        sort=_BY_NAME,
        include_all=True,
        all_value=".*",
        multi=True,
        regex="",
    )


def _firing_alerts() -> grafana.Annotation:
    return grafana.Annotation(
        name="Firing alerts",
        expr='ALERTS{alertstate="firing", severity=~"info|warning|critical"}',
        title_format="{{alertname}}",
        text_format="{{severity}} {{model}} {{team}} {{key}} {{provider}}",
        tag_keys="severity",
        icon_color="red",
    )


def _input() -> dict[str, Any]:
    return {
        "name": _INPUT,
        "label": "Prometheus",
        "description": "The Prometheus that scrapes the gateway.",
        "type": "datasource",
        "pluginId": "prometheus",
        "pluginName": "Prometheus",
    }


def _requires(panel_types: list[str]) -> list[dict[str, str]]:
    parts = [("grafana", "grafana", "Grafana", "11.0.0"), ("datasource", "prometheus", "Prometheus", "1.0.0")]
    parts += [("panel", type_, type_, "") for type_ in panel_types]
    return [{"type": kind, "id": id_, "name": name, "version": version} for kind, id_, name, version in parts]


def _text(content: dict[str, Any]) -> str:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
