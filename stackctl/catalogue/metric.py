"""A catalogue: every metric one engine version line exposes, as data."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Kind = Literal["counter", "gauge", "histogram", "summary"]
SeriesKind = Literal["counter", "gauge", "bucket", "sum", "count"]

_HISTOGRAM_PARTS: dict[str, SeriesKind] = {"_bucket": "bucket", "_sum": "sum", "_count": "count"}


@dataclass(frozen=True)
class Metric:
    """One family as it stands on the metrics page: a counter's name ends in `_total`.

    `needs` is what must be switched on for the family to have samples ("" means nothing), `mode` is
    prometheus_client's multiprocess mode of a gauge: `all` adds a `pid` label when there are several workers.
    """

    name: str
    type: Kind
    unit: str
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()
    needs: str = ""
    since: str = ""
    until: str = ""
    mode: str = ""

    @property
    def label_set(self) -> frozenset[str]:
        """The labels a series of this family may carry, `pid` included."""
        return frozenset(self.labels) | ({"pid"} if self.mode in ("all", "liveall") else frozenset())

    def series(self) -> tuple[Series, ...]:
        """The names Prometheus stores for this family."""
        labels = self.label_set
        if self.type not in ("histogram", "summary"):
            return (Series(self.name, "counter" if self.type == "counter" else "gauge", labels, self),)
        parts = _HISTOGRAM_PARTS if self.type == "histogram" else {"": "gauge", "_sum": "sum", "_count": "count"}
        extra = {"bucket": {"le"}, "gauge": {"quantile"}}
        return tuple(
            Series(self.name + suffix, kind, labels | extra.get(kind, set()), self)  # type: ignore[arg-type]
            for suffix, kind in parts.items()
        )


@dataclass(frozen=True)
class Series:
    """One name as Prometheus stores it, with the labels it may carry (scrape labels left out)."""

    name: str
    kind: SeriesKind
    labels: frozenset[str]
    metric: Metric


@dataclass(frozen=True)
class Catalogue:
    """All metrics of one line, such as `bundled` or `litellm-1.102`.

    `learned_from` says what the data was read from. `bounds` says which values a label may take.
    """

    line: str
    engine: str
    learned_from: str
    metrics: Mapping[str, Metric]
    bounds: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def series(self) -> Mapping[str, Series]:
        """Every stored series name: `_bucket`, `_sum` and `_count` of histograms included."""
        return {series.name: series for metric in self.metrics.values() for series in metric.series()}

    def nearest(self, name: str) -> str | None:
        """The series name that looks most like `name`."""
        near = difflib.get_close_matches(name, self.series, n=1, cutoff=0.5)
        return near[0] if near else None
