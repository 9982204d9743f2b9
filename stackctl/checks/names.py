"""What every name in a query stands for: an engine's series, a recording rule, or nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from stackctl.promql import QueryError, Series, SeriesIndex, Shape, infer, parse_query
from stackctl.promql.shape import UNKNOWN, Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.artefacts import PrometheusConfig, Rule

CONVENTIONAL_TARGET_LABELS = frozenset(
    [
        "namespace",
        "pod",
        "container",
        "service",
        "endpoint",
        "node",
        "cluster",
        "env",
        "environment",
        "region",
        "zone",
        "stack",
        "replica",
        "prometheus",
    ]
)
"""Labels that scrape configurations commonly add; possible where none is at hand to say otherwise."""
_SCRAPED = frozenset({"job", "instance"})
_BY_PROMETHEUS = {
    "up": Interval(0, 1),
    "scrape_duration_seconds": Interval(0),
    "scrape_samples_scraped": Interval(0),
    "scrape_samples_post_metric_relabeling": Interval(0),
    "scrape_series_added": Interval(0),
}
_OF_ALERTS = ("ALERTS", "ALERTS_FOR_STATE")
_ALERT_LABELS = frozenset({"alertname", "alertstate", "severity"})


class Names:
    """Resolves names to shapes; a recording rule is resolved through its own expression."""

    def __init__(
        self, series: SeriesIndex, rules: Sequence[Rule], prometheus: PrometheusConfig | None, *, closed: bool = False
    ) -> None:
        self.series = series
        self._alerts = [rule for rule in rules if rule.alert] if closed else []
        self._prometheus = prometheus
        self._records: dict[str, list[Rule]] = {}
        for rule in rules:
            if not rule.alert and rule.name:
                self._records.setdefault(rule.name, []).append(rule)
        self._shapes: dict[str, Shape | None] = {}
        self._open: set[str] = set()

    @property
    def recorded(self) -> tuple[str, ...]:
        return tuple(self._records)

    @property
    def target_labels(self) -> frozenset[str]:
        """Labels that scraping adds to every series, certain or not."""
        if self._prometheus is None or any(job.discovers for job in self._prometheus.jobs):
            return _SCRAPED | CONVENTIONAL_TARGET_LABELS
        return _SCRAPED.union(*(job.labels for job in self._prometheus.jobs))

    @cached_property
    def labels(self) -> frozenset[str]:
        """Every label that any series or recording rule can have."""
        recorded = [shape.possible or frozenset() for name in self._records if (shape := self.shape_of(name))]
        return self.series.labels.union(self.target_labels, *recorded)

    @property
    def derived_labels(self) -> frozenset[str]:
        """Labels that only recording rules make: they are listed in general, and absent where nothing supplies them."""
        exposed = (item.labels for item in self.series if item.name not in _OF_ALERTS)
        return self.labels.difference(self.target_labels, *exposed)

    def shape_of(self, name: str) -> Shape | None:
        """The shape of all series named `name`; None if there are none."""
        if name not in self._shapes:
            self._shapes[name] = self._resolve(name)
        return self._shapes[name]

    def nearest(self, name: str) -> str | None:
        """The most similar name that exists."""
        return self.series.nearest(name, also=(*self._records, *_BY_PROMETHEUS))

    def _resolve(self, name: str) -> Shape | None:
        if name in self._records:
            return self._recorded(name)
        if name in _BY_PROMETHEUS:
            return self._scraped(Series(name, "gauge", frozenset(), values=_BY_PROMETHEUS[name]))
        if name in _OF_ALERTS:
            return self._of_alerts(name)
        series = self.series.get(name)
        if series is None or self._is_dropped(name):
            return None
        return self._scraped(series)

    def _of_alerts(self, name: str) -> Shape:
        """What Prometheus says of alerts: the labels each can have, where all alerts that run are known."""
        possible: frozenset[str] | None = _ALERT_LABELS if self._alerts and name not in self._open else None
        self._open.add(name)
        for rule in self._alerts:
            shape = self._of_rule(rule)
            possible = None if possible is None or shape.possible is None else possible | shape.possible
        self._open.discard(name)
        found = replace(UNKNOWN, kind="gauge", certain=_ALERT_LABELS, metrics=frozenset({name}))
        return replace(found, possible=possible, bounds=self._alert_bounds())

    def _alert_bounds(self) -> dict[str, frozenset[str]]:
        """What ALERTS can say, where all alerts that run are known."""
        bounds = {"alertstate": frozenset({"firing", "pending"})}
        if self._alerts:
            bounds["alertname"] = frozenset(rule.name for rule in self._alerts)
            bounds["severity"] = frozenset(rule.severity for rule in self._alerts)
        return bounds

    def _is_dropped(self, name: str) -> bool:
        jobs = self._prometheus.jobs if self._prometheus else ()
        return any(job.drops_series(name) for job in jobs)

    def _scraped(self, series: Series) -> Shape:
        jobs = self._prometheus.jobs if self._prometheus else ()
        kept = frozenset(label for label in series.labels if not any(job.drops_label(label) for job in jobs))
        bounds = dict(series.bounds)
        if jobs and not any(job.discovers for job in jobs):
            bounds["job"] = frozenset(job.name for job in jobs)
        return Shape(
            certain=(kept - series.optional) | _SCRAPED,
            possible=kept | self.target_labels,
            values=series.values,
            kind=series.kind,
            buckets=series.buckets if series.kind == "bucket" else (),
            bounds=bounds,
            metrics=frozenset({series.name}),
        )

    def _recorded(self, name: str) -> Shape | None:
        if name in self._open:  # a rule that stands on itself, over a range or an offset
            return UNKNOWN
        self._open.add(name)
        shapes = [self._of_rule(rule) for rule in self._records[name]]
        self._open.discard(name)
        shape = shapes[0]
        for other in shapes[1:]:
            shape = shape.joined(other)
        return shape

    def _of_rule(self, rule: Rule) -> Shape:
        try:
            shape = infer(parse_query(rule.expr.text).root, self).result
        except QueryError:
            return UNKNOWN
        added = frozenset(rule.labels)
        possible = None if shape.possible is None else shape.possible | added
        fixed = {**shape.fixed, **{label: text.text for label, text in rule.labels.items()}}
        return replace(shape, certain=shape.certain | added, possible=possible, fixed=fixed)
