"""Counting requests and attempts in a worker: children are looked up once per combination of labels."""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from pathlib import Path
from typing import Final, NamedTuple

from gateway.metrics.meter import Distribution, Meter, Number

_log: Final = logging.getLogger("gateway.worker")
_SAY_AGAIN_AFTER_S: Final = 10.0
# Whatever is not configured, and the provider of a request that went to none.
OTHER: Final = "other"


class Labels(NamedTuple):
    """Who asked for what. `series` is the key's label in histograms."""

    model: str
    team: str
    key: str
    series: str
    provider: str


class RequestSeries:
    """The children of every request with the same labels and status; a step of accounting is sums in mapped memory."""

    __slots__ = (
        "_by_key", "_duration", "_edges", "_numbers", "_overhead", "_overhead_edges", "_requests", "_spend", "_times",
        "_tokens_in", "_tokens_out",
    )  # fmt: skip

    def __init__(self, meter: Meter, labels: Labels, status: int) -> None:
        """Raises OSError when a file cannot grow."""
        who = (labels.model, labels.team, labels.key, labels.provider)
        by_key = (labels.model, labels.team, labels.series, labels.provider, str(status))
        requests = meter.number("litellm_requests_total", *who, str(status))
        tokens_in = meter.number("litellm_tokens_used_total", *who, "input")
        tokens_out = meter.number("litellm_tokens_used_total", *who, "output")
        spend = meter.number("litellm_spend_usd_total", *who)
        duration = meter.distribution("litellm_request_duration", labels.model, labels.provider, str(status))
        duration_by_key = meter.distribution("litellm_request_duration_seconds", *by_key)
        # The counters are in one file, and so are the histograms, which have the same edges.
        self._numbers, self._times, self._edges = requests.file, duration.file, duration.edges
        self._requests, self._spend = requests.cell, spend.cell
        self._tokens_in, self._tokens_out = tokens_in.cell, tokens_out.cell
        self._duration, self._by_key = duration.cells, duration_by_key.cells
        self._overhead: tuple[int, ...] = ()
        self._overhead_edges: tuple[float, ...] = ()
        if labels.provider != OTHER:
            overhead = meter.distribution("litellm_overhead_seconds", labels.model, labels.provider)
            self._overhead, self._overhead_edges = overhead.cells, overhead.edges

    def add(self, seconds: float, prompt: int, completion: int, usd: float, overhead: float) -> None:
        """One finished request. `overhead` are the seconds that no upstream took, if it went to one."""
        view = self._numbers.view
        view[self._requests] += 1.0
        if prompt or completion:
            view[self._tokens_in] += prompt
            view[self._tokens_out] += completion
            view[self._spend] += usd
        view, bucket = self._times.view, bisect_left(self._edges, seconds)
        for cells in (self._duration, self._by_key):
            view[cells[-1]] += seconds
            view[cells[bucket]] += 1.0
        if cells := self._overhead:
            view[cells[-1]] += overhead
            view[cells[bisect_left(self._overhead_edges, overhead)]] += 1.0


class Recorder:
    """A worker's series. Counting never fails a request: with a full disk, new series are lost and logged."""

    def __init__(self, directory: Path, slot: str) -> None:
        self._meter = Meter(directory, slot)
        self._requests: dict[tuple[Labels, int], RequestSeries] = {}
        self._numbers: dict[tuple[str, ...], Number] = {}
        self._distributions: dict[tuple[str, ...], Distribution] = {}
        self._silent_until = 0.0

    def request(self, labels: Labels, status: int) -> RequestSeries | None:
        """Where finished requests are counted; None while there is no room for new series."""
        found = self._requests.get((labels, status))
        if found is None:
            try:
                found = self._requests[labels, status] = RequestSeries(self._meter, labels, status)
            except OSError as error:
                self._lost(error)
        return found

    def error(self, labels: Labels, error_type: str) -> None:
        """A request that ended in an error."""
        self.count("litellm_errors_total", 1.0, labels.model, labels.team, labels.key, labels.provider, error_type)

    def number(self, *name: str) -> Number | None:
        """A counter's or gauge's child by metric name and label values; None while there is no room for new series."""
        child = self._numbers.get(name)
        if child is None:
            try:
                child = self._numbers[name] = self._meter.number(*name)
            except OSError as error:
                self._lost(error)
        return child

    def count(self, name: str, amount: float, *values: str) -> None:
        """Raise a counter or a gauge."""
        child = self._numbers.get((name, *values)) or self.number(name, *values)
        if child is not None:
            child.add(amount)

    def observe(self, name: str, seconds: float, labels: Labels) -> None:
        """A histogram by model, team, key and provider."""
        self.time(name, seconds, labels.model, labels.team, labels.series, labels.provider)

    def distribution(self, *name: str) -> Distribution | None:
        """A histogram's child by metric name and label values; None while there is no room for new series."""
        child = self._distributions.get(name)
        if child is None:
            try:
                child = self._distributions[name] = self._meter.distribution(*name)
            except OSError as error:
                self._lost(error)
        return child

    def time(self, name: str, seconds: float, *labels: str) -> None:
        """A histogram by these label values."""
        child = self.distribution(name, *labels)
        if child is not None:
            child.observe(seconds)

    def _lost(self, error: OSError) -> None:
        """New series cannot be made; say so, but not at every request."""
        if time.monotonic() >= self._silent_until:
            self._silent_until = time.monotonic() + _SAY_AGAIN_AFTER_S
            _log.error("new series are lost: %s", error)
