"""The end of every request: count it, settle it, write its ledger row; then the last byte goes out."""

from __future__ import annotations

import logging
import time
from typing import Any

from gateway import pricing
from gateway.api.outcome import Outcome
from gateway.errors import SpoolFullError
from gateway.ledger import SpoolWriter
from gateway.limits import Gate, Pass
from gateway.metrics.recorder import Labels, Recorder
from gateway.money import usd_from_nano
from gateway.providers import Usage

_log = logging.getLogger("gateway.worker")
_PLACEHOLDER = "other"
_NOTHING = Usage()
_STATUS = {status: str(status) for status in range(200, 600)}


class Accounting:
    """Bound to one worker's recorder, gate and spool."""

    def __init__(self, recorder: Recorder, gate: Gate, spool: SpoolWriter) -> None:
        self._recorder = recorder
        self._gate = gate
        self._spool = spool

    def began(self, outcome: Outcome) -> None:
        """A request is in flight."""
        self._recorder.count("litellm_current_load", 1.0, outcome.model)

    def attempted(self, outcome: Outcome, status: int) -> None:
        """One try at one deployment ended."""
        if outcome.step is None:
            return
        deployment = outcome.step.deployment
        key = outcome.key
        team, alias = (_PLACEHOLDER, _PLACEHOLDER) if key is None else (key.team, key.alias)
        outcome.attempts.append((deployment.id, deployment.provider, status))
        who = (outcome.step.model, team, alias, deployment.provider, deployment.id, _STATUS.get(status) or str(status))
        self._recorder.count("litellm_upstream_attempts_total", 1.0, *who)

    def fell_back(self, outcome: Outcome, to_model: str, success: bool) -> None:
        """A fallback model was tried."""
        self._recorder.count("litellm_fallbacks_total", 1.0, outcome.model, to_model, "true" if success else "false")

    def finish(self, outcome: Outcome, in_flight: bool = True) -> None:
        """Everything that must be durable before the client sees the end of its answer."""
        seconds = time.perf_counter() - outcome.clock
        self._price(outcome)
        self._count(outcome, seconds)
        if in_flight:
            self._recorder.count("litellm_current_load", -1.0, outcome.model)
        if outcome.key is None:
            return
        released, slot, tokens, minute = 0, False, 0, 0
        if (reservation := outcome.reservation) is not None:
            released, slot = self._gate.settle(reservation, outcome.cost), reservation.slot
            tokens, minute = reservation.tokens, reservation.minute
        try:
            self._spool.append((*row_fields(outcome, outcome.key, seconds), released, slot, tokens, minute))
        except SpoolFullError as error:
            _log.error("a ledger row waits in memory: %s", error)

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
        cost = self.cost(outcome)
        outcome.cost = cost or 0
        if cost is None:
            who = (step.model, step.deployment.provider, step.deployment.id)
            self._recorder.count("litellm_unpriced_tokens_total", usage.prompt + usage.completion, *who)

    def _count(self, outcome: Outcome, seconds: float) -> None:
        labels = labels_of(outcome)
        usage = outcome.usage
        prompt, completion = (usage.prompt, usage.completion) if usage is not None else (0, 0)
        self._recorder.request(labels, outcome.status, seconds, prompt, completion, usd_from_nano(outcome.cost))
        if usage is None and outcome.cost:
            # A share of somebody else's answer: the tokens are counted there.
            who = (labels.model, labels.team, labels.key, labels.provider)
            self._recorder.count("litellm_spend_usd_total", usd_from_nano(outcome.cost), *who)
        if outcome.error_type:
            self._recorder.error(labels, outcome.error_type)
        if outcome.step is not None:
            until = outcome.first_token - outcome.clock if outcome.first_token is not None else seconds
            overhead = max(until - outcome.upstream_s, 0.0)
            self._recorder.time("litellm_overhead_seconds", overhead, labels.model, labels.provider)
        if outcome.first_token is None:
            return
        first = outcome.first_token - outcome.clock
        self._recorder.observe("litellm_time_to_first_token_seconds", first, labels)
        if completion > 1 and not outcome.error_type:
            per_token = (seconds - first) / (completion - 1)
            self._recorder.observe("litellm_time_per_output_token_seconds", per_token, labels)


def labels_of(outcome: Outcome) -> Labels:
    """Labels are bounded: whatever is not configured is `other`."""
    key = outcome.key
    if key is None:
        return Labels(outcome.model, _PLACEHOLDER, _PLACEHOLDER, _PLACEHOLDER, outcome.provider)
    return Labels(outcome.model, key.team, key.alias, key.series, outcome.provider)


def row_fields(outcome: Outcome, key: Pass, seconds: float) -> tuple[Any, ...]:
    """The fields of `gateway.ledger.Row` in their order, up to those for the accountant."""
    step, usage = outcome.step, outcome.usage or _NOTHING
    served = deployment = provider = upstream = ""
    priced = True
    if step is not None:
        served, target = step.model, step.deployment
        deployment, provider, upstream = target.id, target.provider, target.model
        priced = step.price is not None or outcome.share is not None
    first = None if outcome.first_token is None else _ms(outcome.first_token - outcome.clock)
    return (
        outcome.request_id, outcome.started, key.hash, key.alias, key.team_id, key.team, outcome.model,
        key.user_id, outcome.end_user, outcome.kind, served, deployment, provider, upstream,
        usage.prompt, usage.cached, usage.cache_write, usage.audio_prompt,
        usage.completion, usage.reasoning, usage.audio_completion,
        outcome.cost, priced, usage.estimated, outcome.cache, outcome.status, outcome.error_type, outcome.stream,
        first, _ms(seconds), outcome.attempts, outcome.tags, outcome.metadata,
    )  # fmt: skip


def _ms(seconds: float) -> float:
    """Milliseconds with three digits, which take a sixth of the time of `round`."""
    return int(seconds * 1e6 + 0.5) / 1e3
