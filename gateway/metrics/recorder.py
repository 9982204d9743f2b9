"""Counting requests and attempts in a worker: children are looked up once per combination of labels."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gateway.metrics.meter import Distribution, Meter, Number

_log = logging.getLogger("gateway.worker")
_SAY_AGAIN_AFTER_S = 10.0


class Labels(NamedTuple):
    """Who asked for what. `series` is the key's label in histograms."""

    model: str
    team: str
    key: str
    series: str
    provider: str


@dataclass(slots=True)
class _Children:
    requests: Number
    duration: Distribution
    duration_by_key: Distribution
    tokens_in: Number
    tokens_out: Number
    spend: Number


class Recorder:
    """A worker's series. Counting never fails a request: with a full disk, new series are lost and logged."""

    def __init__(self, directory: Path, slot: str) -> None:
        self._meter = Meter(directory, slot)
        self._children: dict[tuple[Labels, int], _Children] = {}
        self._numbers: dict[tuple[str, ...], Number] = {}
        self._distributions: dict[tuple[str, ...], Distribution] = {}
        self._silent_until = 0.0

    def request(self, labels: Labels, status: int, seconds: float, prompt: int, completion: int, usd: float) -> None:
        """One finished request, answered or refused."""
        children = self._children.get((labels, status))
        if children is None:
            try:
                children = self._make(labels, status)
            except OSError as error:
                self._lost(error)
                return
        children.requests.add(1.0)
        children.duration.observe(seconds)
        children.duration_by_key.observe(seconds)
        if prompt or completion:
            children.tokens_in.add(prompt)
            children.tokens_out.add(completion)
            children.spend.add(usd)

    def error(self, labels: Labels, error_type: str) -> None:
        """A request that ended in an error."""
        self.count("litellm_errors_total", 1.0, labels.model, labels.team, labels.key, labels.provider, error_type)

    def count(self, name: str, amount: float, *values: str) -> None:
        """Raise a counter or a gauge."""
        child = self._numbers.get((name, *values))
        if child is None:
            try:
                child = self._numbers[name, *values] = self._meter.number(name, *values)
            except OSError as error:
                self._lost(error)
                return
        child.add(amount)

    def observe(self, name: str, seconds: float, labels: Labels) -> None:
        """A histogram by model, team, key and provider."""
        self.time(name, seconds, labels.model, labels.team, labels.series, labels.provider)

    def time(self, name: str, seconds: float, *labels: str) -> None:
        """A histogram by these label values."""
        values = (name, *labels)
        child = self._distributions.get(values)
        if child is None:
            try:
                child = self._distributions[values] = self._meter.distribution(*values)
            except OSError as error:
                self._lost(error)
                return
        child.observe(seconds)

    def _lost(self, error: OSError) -> None:
        """New series cannot be made; say so, but not at every request."""
        if time.monotonic() >= self._silent_until:
            self._silent_until = time.monotonic() + _SAY_AGAIN_AFTER_S
            _log.error("new series are lost: %s", error)

    def _make(self, labels: Labels, status: int) -> _Children:
        number, distribution = self._meter.number, self._meter.distribution
        who = (labels.model, labels.team, labels.key, labels.provider)
        by_key = (labels.model, labels.team, labels.series, labels.provider, str(status))
        children = self._children[labels, status] = _Children(
            requests=number("litellm_requests_total", *who, str(status)),
            duration=distribution("litellm_request_duration", labels.model, labels.provider, str(status)),
            duration_by_key=distribution("litellm_request_duration_seconds", *by_key),
            tokens_in=number("litellm_tokens_used_total", *who, "input"),
            tokens_out=number("litellm_tokens_used_total", *who, "output"),
            spend=number("litellm_spend_usd_total", *who),
        )
        return children
