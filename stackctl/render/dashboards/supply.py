"""What the engine can supply: queries that need more are left out, with a note, never rendered dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.catalogue.load import STACK, load_catalogue
from stackctl.catalogue.rules import LeftOut
from stackctl.render.dashboards.fitting import fitted, split, unsplit
from stackctl.render.dashboards.promql import metrics_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set

    from stackctl.catalogue.rules import RuleSet
    from stackctl.render.dashboards.definition import Definition, Panel, Query, Row

_NOT_NARROWED = "With this gateway, a choice of {} does not narrow it."
_NOT_SPLIT = "This gateway does not tell it by {}."
_ADDED = frozenset({"le", "stackctl_test"})
"""Labels that a record may have beside its own."""


class Supply:
    """The series names a panel may use: signals, the engine's own series, and what the stack says about itself."""

    def __init__(self, rules: RuleSet) -> None:
        own, stack = load_catalogue(rules.line).series, load_catalogue(STACK).series
        self._names: Set[str] = rules.records.keys() | own.keys() | stack.keys()
        self._reasons: Mapping[str, str] = {
            record: f"it needs the signal {signal}: {rules.signals.unsupported[signal]}"
            for record, signal in rules.signals.signal_of_record.items()
            if signal in rules.signals.unsupported
        }
        self._labels = {name: record.labels for name, record in rules.records.items()}
        self._line = rules.line

    def missing(self, query: Query) -> str:
        """Why a query can have no data; empty if nothing speaks against it."""
        absent = sorted(metrics_in(query.expr) - self._names)
        return "; ".join(self._reasons.get(name, f"{self._line} has no {name}") for name in absent)

    def fit(self, panel: Panel, queries: tuple[Query, ...]) -> Panel:
        """The panel with these queries only, each fit to the labels there are; its description says what that means."""
        dropped: set[str] = set()
        kept = []
        absences = [self._absent(query) for query in queries]
        whole = frozenset.intersection(*absences)
        for query, absent in zip(queries, absences, strict=True):
            expr, narrowings = fitted(query.expr, self._labels)
            expr, legend = unsplit(expr, query.legend, absent) if absent else (expr, query.legend)
            dropped |= narrowings
            kept.append(query.model_copy(update={"expr": expr, "legend": legend}))
        headings = {label: text for label, text in panel.labels.items() if label not in whole}
        notes = [_NOT_NARROWED.format(_either(dropped))] if dropped else []
        notes += [_NOT_SPLIT.format(_either(whole))] if whole else []
        description = " ".join([panel.description, *notes])
        return panel.model_copy(update={"queries": tuple(kept), "description": description, "labels": headings})

    def _absent(self, query: Query) -> frozenset[str]:
        """The labels a query is split by though no series in it has them."""
        metrics = metrics_in(query.expr)
        if not metrics <= self._labels.keys():
            return frozenset()
        return split(query.expr, query.legend).difference(*(self._labels[name] for name in metrics), _ADDED)


def _either(labels: Iterable[str]) -> str:
    return " or ".join(sorted(labels))


def reduced(definition: Definition, supply: Supply) -> tuple[Definition, list[LeftOut]]:
    """The part of a dashboard that the engine can fill, and what had to be left out of it.

    A panel stays as long as one of its queries does.
    """
    left_out: list[LeftOut] = []
    rows: list[Row] = []
    for row in definition.rows:
        panels = [kept for panel in row.panels if (kept := _panel(definition.title, panel, supply, left_out))]
        if panels:
            rows.append(row.model_copy(update={"panels": tuple(panels)}))
    return definition.model_copy(update={"rows": tuple(rows)}), left_out


def _panel(dashboard: str, panel: Panel, supply: Supply, left_out: list[LeftOut]) -> Panel | None:
    reasons = [supply.missing(query) for query in panel.queries]
    kept = tuple(query for query, reason in zip(panel.queries, reasons, strict=True) if not reason)
    name = f"{dashboard}: {panel.title}"
    if not kept:
        left_out.append(LeftOut("panel", name, reasons[0]))
        return None
    for query, reason in zip(panel.queries, reasons, strict=True):
        if reason:
            left_out.append(LeftOut("panel", f"{name}: {query.column or query.legend}", reason))
    return supply.fit(panel, kept)
