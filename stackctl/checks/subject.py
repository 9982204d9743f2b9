"""Everything one run examines, read and understood once, as the checks ask for it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from stackctl.artefacts import Artefacts
from stackctl.artefacts.prometheus import DEFAULT_RETENTION_S
from stackctl.checks.names import Names
from stackctl.promql import Analysis, Query, QueryError, infer, parse_query

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackctl.artefacts import Dashboard, Panel, Rule, Target
    from stackctl.problem import Position
    from stackctl.promql import SeriesIndex, Shape
    from stackctl.source import Placed
    from stackctl.spec import SpecFile

DEFAULT_SCRAPE_S = 15.0


@dataclass(frozen=True)
class Expression:
    """One query with its meaning, and the rule or panel it belongs to."""

    target: str
    placed: Placed
    query: Query
    analysis: Analysis
    rule: Rule | None = None
    dashboard: Dashboard | None = None
    panel: Panel | None = None
    panel_target: Target | None = None

    @property
    def is_alert(self) -> bool:
        return self.rule is not None and self.rule.alert

    @property
    def result(self) -> Shape:
        return self.analysis.result

    def at(self, offset: int) -> Position:
        """The position in its file of a token of the query."""
        return self.placed.at(self.query.origin(offset))

    def at_label(self, label: str, after: int) -> Position:
        """The position of a label listed in a modifier of the node at `after`."""
        return self.at(self.query.list_offset(label, after))


@dataclass(frozen=True)
class Unreadable:
    """A query that is no PromQL."""

    target: str
    placed: Placed
    message: str


@dataclass
class Subject:
    """Files, what is known about series, and the spec if there is one.

    `closed` says that every series comes from the catalogues: what they do not have does not exist.
    """

    artefacts: Artefacts
    series: SeriesIndex
    catalogues: tuple[str, ...] = ()
    closed: bool = False
    spec: SpecFile | None = None
    units: frozenset[str] = frozenset()
    known_alerts: frozenset[str] = frozenset()
    """Names of alerts that exist but may be switched off."""
    today: datetime.date = field(default_factory=datetime.date.today)

    @cached_property
    def scrape_s(self) -> float:
        """Seconds between two samples of a series; the product's floor where nothing tells."""
        prometheus = self.artefacts.prometheus
        return prometheus.scrape_s if prometheus else DEFAULT_SCRAPE_S

    @cached_property
    def retention_s(self) -> float:
        """How long samples are kept, in seconds; Prometheus' default where nothing tells."""
        if self.spec is not None:
            return self.spec.spec.prometheus.retention.milliseconds / 1000
        prometheus = self.artefacts.prometheus
        return (prometheus.retention_s if prometheus else None) or DEFAULT_RETENTION_S

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(rule for file in self.artefacts.rules for rule in file.rules)

    @cached_property
    def names(self) -> Names:
        return Names(self.series, self.rules, self.artefacts.prometheus, closed=self.closed)

    @cached_property
    def _parsed(self) -> tuple[tuple[Expression, ...], tuple[Unreadable, ...]]:
        good: list[Expression] = []
        bad: list[Unreadable] = []
        for target, placed, values, owner in self._texts():
            try:
                query = parse_query(placed.text, values, self.scrape_s)
            except QueryError as error:
                bad.append(Unreadable(target, placed, str(error)))
                continue
            good.append(Expression(target, placed, query, infer(query.root, self.names), **owner))  # type: ignore[arg-type]
        return tuple(good), tuple(bad)

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Every query that could be read, of rules first."""
        return self._parsed[0]

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        return self._parsed[1]

    @property
    def alerts(self) -> tuple[Expression, ...]:
        """The queries of alerting rules."""
        return tuple(item for item in self.expressions if item.is_alert)

    def _texts(self) -> Iterator[tuple[str, Placed, Mapping[str, str] | None, dict[str, object]]]:
        for rule in self.rules:
            yield rule.name, rule.expr, None, {"rule": rule}
        for dashboard in self.artefacts.dashboards:
            values, name = dashboard.values(), dashboard.uid or dashboard.title
            for panel in dashboard.panels:
                for item in panel.targets:
                    owner = {"dashboard": dashboard, "panel": panel, "panel_target": item}
                    yield f"{name}/{panel.title}", item.expr, values, owner
            for variable in dashboard.variables:
                if variable.query is not None:
                    yield f"{name}/${variable.name}", variable.query, values, {"dashboard": dashboard}
            for placed in dashboard.annotations:
                yield f"{name}/annotation", placed, values, {"dashboard": dashboard}
