"""What the engine can supply: queries that need more are left out, with a note, never rendered dead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackctl.catalogue.load import load_catalogue
from stackctl.catalogue.signals import load_signals
from stackctl.render.dashboards.promql import metrics_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Set

    from stackctl.render.dashboards.definition import Definition, Panel, Query, Row
    from stackctl.spec import Spec


_PIPELINE = frozenset({"up", "ALERTS", "scrape_duration_seconds", "scrape_samples_scraped"})


@dataclass(frozen=True)
class LeftOut:
    """A panel, or one query of it, that is not in the bundle."""

    dashboard: str
    panel: str
    query: str
    reason: str

    def as_json(self) -> dict[str, str]:
        """The entry in the manifest."""
        return {"dashboard": self.dashboard, "panel": self.panel, "query": self.query, "reason": self.reason}


def supplied_by(spec: Spec) -> frozenset[str]:
    """Every series name a panel may use: the engine's signals and series, and what the stack says about itself."""
    engine = spec.gateway.engine
    records = {signal.record for signal in load_signals(engine).signals.values()}
    return frozenset(records | load_catalogue(engine).series.keys() | _PIPELINE)


def reduced(definition: Definition, supplied: Set[str]) -> tuple[Definition, list[LeftOut]]:
    """The part of a dashboard whose metrics are all supplied, and what had to be left out of it."""
    left_out: list[LeftOut] = []
    rows: list[Row] = []
    for row in definition.rows:
        panels = [kept for panel in row.panels if (kept := _panel(definition.uid, panel, supplied, left_out))]
        if panels:
            rows.append(row.model_copy(update={"panels": tuple(panels)}))
    return definition.model_copy(update={"rows": tuple(rows)}), left_out


def _panel(uid: str, panel: Panel, supplied: Set[str], left_out: list[LeftOut]) -> Panel | None:
    kept: list[Query] = []
    for query in panel.queries:
        missing = sorted(metrics_in(query.expr) - supplied)
        if missing:
            left_out.append(LeftOut(uid, panel.title, query.column or query.legend, _reason(missing)))
        else:
            kept.append(query)
    return panel.model_copy(update={"queries": tuple(kept)}) if kept else None


def _reason(missing: Iterable[str]) -> str:
    return f"this gateway does not supply {', '.join(missing)}"
