"""The value that a test drives over its threshold, and how it is looked for on /metrics and in Prometheus."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackctl.proof.observe.metrics import KEY_LABEL
from stackctl.proof.observe.receiver import Sighting

if TYPE_CHECKING:
    from stackctl.proof.observe.metrics import MetricsPage
    from stackctl.proof.observe.prometheus import PrometheusApi

# Both sides hold binary floats of decimal money: 0.016 / 0.02 must count as 0.8.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Signal:
    """A metric of one key, or its ratio to another one, and the threshold it must reach (or fall to)."""

    metric: str
    threshold: float
    relative_to: str = ""
    falling: bool = False

    def value(self, metric: float | None, base: float | None) -> float | None:
        """The signal's value; None while a series it needs is missing."""
        if metric is None or (self.relative_to and not base):
            return None
        return metric / base if self.relative_to and base else metric

    def crossed(self, value: float | None) -> bool:
        if value is None:
            return False
        return value <= self.threshold + _TOLERANCE if self.falling else value >= self.threshold - _TOLERANCE

    def describe(self) -> str:
        ratio = f"{self.metric} / {self.relative_to}" if self.relative_to else self.metric
        return f"{ratio} {'<=' if self.falling else '>='} {self.threshold:g}"


async def on_page(page: MetricsPage, signal: Signal, key: str) -> Sighting | None:
    """The crossed value on /metrics; raises UnavailableError."""
    metric = await page.value(signal.metric, key)
    base = await page.value(signal.relative_to, key) if signal.relative_to else None
    value = signal.value(metric, base)
    if value is None or not signal.crossed(value):
        return None
    return Sighting(time.time(), "stackctl", {"condition": signal.describe(), "value": round(value, 6)})


async def in_prometheus(prometheus: PrometheusApi, signal: Signal, key: str) -> Sighting | None:
    """The first crossed sample, with the time at which it was scraped; raises UnavailableError."""
    metrics = await _by_time(prometheus, signal.metric, key)
    bases = await _by_time(prometheus, signal.relative_to, key) if signal.relative_to else {}
    for at in sorted(metrics):
        value = signal.value(metrics[at], bases.get(at))
        if value is not None and signal.crossed(value):
            return Sighting(at, "prometheus sample", {"condition": signal.describe(), "value": round(value, 6)})
    return None


async def _by_time(prometheus: PrometheusApi, metric: str, key: str) -> dict[float, float]:
    """The sum of the key's series at each scrape: all samples of one scrape carry the same time."""
    sums: dict[float, float] = defaultdict(float)
    for series in await prometheus.series(f'{metric}{{{KEY_LABEL}="{key}"}}'):
        for at, value in series.samples:
            sums[at] += value
    return sums
