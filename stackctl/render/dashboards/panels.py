"""A panel's definition → Grafana's panel: what each kind of panel looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackctl.render.dashboards import grafana
from stackctl.render.dashboards.links import panel_links
from stackctl.render.dashboards.table import column_overrides, table_transformations
from stackctl.render.dashboards.thresholds import has_steps, steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackctl.catalogue.alerts import Alert
    from stackctl.render.dashboards.definition import Panel

_PER_ROW = 3
_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}


@dataclass(frozen=True)
class Context:
    """What a panel depends on beside its definition."""

    alerts: Mapping[str, Alert]
    titles: Mapping[str, str]
    """uid → title of every dashboard."""


def build(panel: Panel, id_: int, position: grafana.GridPos, context: Context) -> grafana.Panel:
    """The panel as Grafana reads it."""
    return grafana.Panel(
        id_=id_,
        type_=panel.kind,
        title=panel.title,
        description=panel.description,
        grid_pos=position,
        datasource=grafana.Datasource(),
        targets=_targets(panel),
        field_config=grafana.FieldConfig(_defaults(panel, context), _overrides(panel, context)),
        options=_OPTIONS[panel.kind](panel),
        transformations=table_transformations(panel) if panel.kind == "table" else None,
        links=panel_links(panel.links, context.titles) or None,
        interval=panel.step or None,
        time_from=panel.range or None,
        repeat=panel.repeat or None,
        repeat_direction="h" if panel.repeat else None,
        max_per_row=_PER_ROW if panel.repeat else None,
    )


def _targets(panel: Panel) -> list[grafana.Target]:
    instant = panel.instant or panel.kind in ("gauge", "bargauge", "table")
    return [
        grafana.Target(
            ref_id=chr(ord("A") + index),
            expr=query.expr,
            legend_format=query.legend or None,
            format="table" if panel.kind == "table" else "time_series",
            instant=instant,
            range=not instant,
        )
        for index, query in enumerate(panel.queries)
    ]


def _defaults(panel: Panel, context: Context) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        # In a table it stands in single empty cells.
        "noValue": "–" if panel.kind == "table" else panel.no_value,
        "color": {"mode": "palette-classic" if panel.kind in ("timeseries", "heatmap") else "thresholds"},
        "thresholds": {"mode": "absolute", "steps": steps(panel.thresholds, context.alerts)},
        "mappings": _mappings(panel),
        "custom": _custom(panel, context),
    }
    limits = {"decimals": panel.decimals, "min": panel.min, "max": panel.max}
    return defaults | {name: value for name, value in limits.items() if value is not None}


def _mappings(panel: Panel) -> list[dict[str, Any]]:
    if not panel.meanings:
        return []
    options = {
        value: {"text": meaning.text, "color": meaning.color, "index": index}
        for index, (value, meaning) in enumerate(panel.meanings.items())
    }
    return [{"type": "value", "options": options}]


def _custom(panel: Panel, context: Context) -> dict[str, Any]:
    if panel.kind == "table":
        return {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "minWidth": 90}
    if panel.kind != "timeseries":
        return {}
    return {
        "drawStyle": "bars" if panel.bars else "line",
        "lineInterpolation": "linear",
        "lineWidth": 1 if panel.bars else 2,
        "fillOpacity": 70 if panel.bars else 25 if panel.stacked else 8,
        "gradientMode": "none",
        "showPoints": "never",
        "spanNulls": False,
        "axisPlacement": "auto",
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if has_steps(panel.thresholds, context.alerts) else "off"},
    }


def _overrides(panel: Panel, context: Context) -> list[dict[str, Any]]:
    return column_overrides(panel, context.alerts) if panel.kind == "table" else []


def _timeseries(panel: Panel) -> dict[str, Any]:
    calcs = ["lastNotNull"] if panel.accumulate else ["sum"] if panel.bars else ["mean", "max", "lastNotNull"]
    sort_by = {"lastNotNull": "Last *", "sum": "Total", "mean": "Mean"}[calcs[0]]
    legend = {
        "displayMode": "table",
        "placement": "bottom" if panel.width < 18 else "right",
        "showLegend": True,
        "calcs": calcs,
        "sortBy": sort_by,
        "sortDesc": True,
    }
    return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}


def _stat(panel: Panel) -> dict[str, Any]:
    return {
        "reduceOptions": _LAST,
        "orientation": "auto",
        "textMode": panel.shown,
        "colorMode": "background_solid" if panel.meanings else "value",
        "graphMode": "none" if panel.meanings or panel.instant else "area",
        "justifyMode": "auto",
        "wideLayout": True,
        "showPercentChange": False,
    }


def _gauge(_: Panel) -> dict[str, Any]:
    return {
        "reduceOptions": _LAST,
        "orientation": "auto",
        "showThresholdLabels": True,
        "showThresholdMarkers": True,
        "sizing": "auto",
    }


def _bargauge(_: Panel) -> dict[str, Any]:
    return {
        "reduceOptions": _LAST,
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "color",
        "namePlacement": "auto",
        "showUnfilled": True,
        "sizing": "auto",
    }


def _table(panel: Panel) -> dict[str, Any]:
    sort_by = [{"displayName": panel.sort, "desc": True}] if panel.sort else []
    return {"showHeader": True, "cellHeight": "sm", "sortBy": sort_by}


def _heatmap(panel: Panel) -> dict[str, Any]:
    return {
        "calculate": False,
        "color": {
            "mode": "scheme",
            "scheme": "Oranges",
            "fill": "dark-orange",
            "scale": "exponential",
            "exponent": 0.5,
            "steps": 64,
            "reverse": False,
            "min": 0,
        },
        "cellGap": 1,
        "cellValues": {"unit": panel.unit},
        "filterValues": {"le": 1e-9},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "yAxis": {"axisPlacement": "left", "reverse": False},
        "legend": {"show": True},
        "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": True},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
    }


_OPTIONS = {
    "timeseries": _timeseries,
    "stat": _stat,
    "gauge": _gauge,
    "bargauge": _bargauge,
    "table": _table,
    "heatmap": _heatmap,
}
