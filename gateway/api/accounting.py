"""The end of every request: count it, settle it, write its ledger row; then the last byte goes out."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

import orjson

from gateway import pricing
from gateway.api.outcome import Outcome
from gateway.errors import SpoolFullError
from gateway.ledger import SpoolWriter
from gateway.limits import Leases, Pass
from gateway.metrics.meter import Number
from gateway.metrics.recorder import OTHER, Labels, Recorder, RequestSeries
from gateway.money import NANO, usd_from_nano
from gateway.tokens import Usage

_log: Final = logging.getLogger("gateway.worker")
_NOTHING: Final = Usage()
_NOBODY: Final = ("", "", "", "")


class Accounting:
    """Bound to one worker's recorder, leases and spool."""

    def __init__(self, recorder: Recorder, leases: Leases, spool: SpoolWriter) -> None:
        self._recorder = recorder
        self._leases = leases
        self._spool = spool
        self._loads: dict[str, Number] = {}

    def began(self, outcome: Outcome) -> None:
        """A request is in flight."""
        number = self._loads.get(outcome.model) or self._load(outcome.model)
        if number is not None:
            number.file.view[number.cell] += 1.0

    def attempted(self, outcome: Outcome, status: int) -> None:
        """One try at one deployment ended."""
        step, key = outcome.step, outcome.key
        if step is None:
            return
        deployment = step.deployment
        outcome.attempts = (*outcome.attempts, (deployment.id, deployment.provider, status))
        known: Number | None = key.series_of.get((step, status)) if key is not None else None
        if known is None:
            team, alias = (OTHER, OTHER) if key is None else (key.team, key.alias)
            who = (step.model, team, alias, deployment.provider, deployment.id, str(status))
            known = self._recorder.number("litellm_upstream_attempts_total", *who)
            if known is None:
                return
            if key is not None:
                key.series_of[step, status] = known
        known.file.view[known.cell] += 1.0

    def fell_back(self, outcome: Outcome, to_model: str, success: bool) -> None:
        """A fallback model was tried."""
        self._recorder.count("litellm_fallbacks_total", 1.0, outcome.model, to_model, "true" if success else "false")

    def finish(self, outcome: Outcome, in_flight: bool = True) -> None:
        """Everything that must be durable before the client sees the end of its answer."""
        seconds = time.perf_counter() - outcome.clock
        self._price(outcome)
        self._count(outcome, seconds)
        if in_flight and (number := self._loads.get(outcome.model)) is not None:
            number.file.view[number.cell] -= 1.0
        key, reservation = outcome.key, outcome.reservation
        if key is None:
            return
        if reservation is None:
            row = row_of(outcome, key, seconds)
        else:
            released = self._leases.settle(reservation, outcome.cost)
            slot = 1 if reservation.slot else 0
            row = row_of(outcome, key, seconds, released, slot, reservation.tokens, reservation.minute)
        try:
            self._spool.append(row)
        except SpoolFullError as error:
            _log.error("a ledger row waits in memory: %s", error)

    def _load(self, model: str) -> Number | None:
        number = self._recorder.number("litellm_current_load", model)
        if number is not None:
            self._loads[model] = number
        return number

    def cost(self, outcome: Outcome) -> int | None:
        """Nano-USD of an answer that is there; None where no price is known."""
        if outcome.step is None or outcome.usage is None:
            return None
        return pricing.cost(outcome.step.price, outcome.usage, batch=outcome.usage.batched)

    def _price(self, outcome: Outcome) -> None:
        if outcome.share is not None:
            outcome.cost = outcome.share
            return
        usage, step = outcome.usage, outcome.step
        if usage is None or step is None:
            return
        cost = pricing.cost(step.price, usage, batch=usage.batched)
        outcome.cost = cost or 0
        if cost is None:
            who = (step.model, step.deployment.provider, step.deployment.id)
            self._recorder.count("litellm_unpriced_tokens_total", usage.prompt + usage.completion, *who)

    def _count(self, outcome: Outcome, seconds: float) -> None:
        usage, first = outcome.usage, outcome.first_token
        prompt, completion = (usage.prompt, usage.completion) if usage is not None else (0, 0)
        overhead = (seconds if first is None else first - outcome.clock) - outcome.upstream_s
        if overhead < 0.0:
            overhead = 0.0
        series = self._series(outcome)
        if series is not None:
            series.add(seconds, prompt, completion, outcome.cost / NANO, overhead)
        if usage is None and outcome.cost:
            # A share of somebody else's answer: the tokens are counted there.
            self._recorder.count("litellm_spend_usd_total", usd_from_nano(outcome.cost), *_who(labels_of(outcome)))
        if outcome.error_type:
            self._recorder.count("litellm_errors_total", 1.0, *_who(labels_of(outcome)), outcome.error_type)
        if first is not None:
            self._time_stream(outcome, seconds, first - outcome.clock, completion)

    def _time_stream(self, outcome: Outcome, seconds: float, first: float, completion: int) -> None:
        labels = labels_of(outcome)
        self._recorder.observe("litellm_time_to_first_token_seconds", first, labels)
        if completion > 1 and not outcome.error_type:
            per_token = (seconds - first) / (completion - 1)
            self._recorder.observe("litellm_time_per_output_token_seconds", per_token, labels)

    def _series(self, outcome: Outcome) -> RequestSeries | None:
        key, step = outcome.key, outcome.step
        if key is None:
            return self._recorder.request(labels_of(outcome), outcome.status)
        # A pass keeps its series: what it is called is as old as the pass.
        known: RequestSeries | None = key.series_of.get((outcome.model, step, outcome.status))
        if known is None:
            known = self._recorder.request(labels_of(outcome), outcome.status)
            if known is not None:
                key.series_of[outcome.model, step, outcome.status] = known
        return known


def labels_of(outcome: Outcome) -> Labels:
    """Labels are bounded: whatever is not configured is `other`."""
    key = outcome.key
    if key is None:
        return Labels(outcome.model, OTHER, OTHER, OTHER, outcome.provider)
    return Labels(outcome.model, key.team, key.alias, key.series, outcome.provider)


def _who(labels: Labels) -> tuple[str, str, str, str]:
    return labels.model, labels.team, labels.key, labels.provider


def row_of(
    outcome: Outcome, key: Pass, seconds: float, released: int = 0, slot: int = 0, tokens: int = 0, minute: int = 0
) -> tuple[Any, ...]:
    """The fields of `gateway.ledger.Row` in their order; those after `seconds` are for the accountant."""
    step, usage, first = outcome.step, outcome.usage or _NOTHING, outcome.first_token
    served, deployment, provider, upstream = _NOBODY if step is None else step.names
    priced = step is None or step.price is not None or outcome.share is not None
    return (
        outcome.request_id, outcome.started, key.hash, key.alias, key.team_id, key.team, outcome.model,
        key.user_id, outcome.end_user, outcome.kind, served, deployment, provider, upstream,
        usage.prompt, usage.cached, usage.cache_write, usage.audio_prompt,
        usage.completion, usage.reasoning, usage.audio_completion,
        outcome.cost, outcome.cache, outcome.status, outcome.error_type,
        None if first is None else _ms(first - outcome.clock), int(seconds * 1e6 + 0.5) / 1e3,
        1 if priced else 0, 1 if usage.estimated else 0, 1 if outcome.stream else 0,
        _texts.get(outcome.attempts) or _text(outcome.attempts),
        _json(outcome.tags) if outcome.tags else "[]", _json(outcome.metadata) if outcome.metadata else "{}",
        released, slot, tokens, minute,
    )  # fmt: skip


# Attempts as JSON: nearly all requests have one of a few.
_texts: Final[dict[tuple[tuple[str, str, int], ...], str]] = {}
_MOST_TEXTS: Final = 1024


def _text(attempts: tuple[tuple[str, str, int], ...]) -> str:
    text = _json(attempts)
    if len(_texts) < _MOST_TEXTS:
        _texts[attempts] = text
    return text


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _ms(seconds: float) -> float:
    """Milliseconds with three digits, which take a sixth of the time of `round`."""
    return int(seconds * 1e6 + 0.5) / 1e3
