"""Which panels a change of the engine's version would break."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.render.dashboards.definition import load_definitions
from stackctl.render.dashboards.fitting import narrowing, split
from stackctl.render.dashboards.promql import metrics_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackctl.catalogue.diff import CatalogueDiff
    from stackctl.render.dashboards.definition import Panel, Query


def broken_panels(diff: CatalogueDiff) -> dict[str, str]:
    """ "Dashboard: panel" → what it loses: its series, or a label it is split or narrowed by."""
    gone = {name: f"{name} is gone" for name in (*diff.records, *diff.series)}
    found: dict[str, str] = {}
    for definition in load_definitions():
        for row in definition.rows:
            for panel in row.panels:
                if losses := sorted(set(_losses(panel, gone, diff.narrowed))):
                    found[f"{definition.title}: {panel.title}"] = "; ".join(losses)
    return found


def _losses(panel: Panel, gone: Mapping[str, str], narrowed: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for query in panel.queries:
        for metric in sorted(metrics_in(query.expr)):
            if metric in gone:
                yield gone[metric]
            for label in sorted(_labels(query) & set(narrowed.get(metric, ()))):
                yield f"{metric} loses {label}"


def _labels(query: Query) -> frozenset[str]:
    return split(query.expr, query.legend) | narrowing(query.expr)
