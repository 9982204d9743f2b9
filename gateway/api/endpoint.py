"""One endpoint that calls models: admit, guard, cache, send, count. What it cannot do at once goes the long way."""

from __future__ import annotations

import secrets
from collections.abc import Coroutine, Mapping
from typing import Any

from gateway.api.accounting import Accounting
from gateway.api.admission import Admission
from gateway.api.answers import JSON_LINE
from gateway.api.attempts import Attempts
from gateway.api.caching import Caching, Question
from gateway.api.exchange import Exchange
from gateway.api.flight import Flights
from gateway.api.guarding import Guard
from gateway.api.litellm_lines import cost_line, result_lines
from gateway.api.long_way import LongWay
from gateway.api.outcome import Outcome
from gateway.errors import ApiError
from gateway.providers import Answer, Kind
from gateway.providers.translating import Translating


class Endpoint:
    """The handler of one kind of request in one worker."""

    def __init__(
        self,
        kind: Kind,
        admission: Admission,
        attempts: Attempts,
        accounting: Accounting,
        providers: Mapping[str, Translating],
        guard: Guard | None = None,
        cache: Caching | None = None,
    ) -> None:
        self._kind = kind
        self._admission = admission
        self._tries = attempts.tries
        self._accounting = accounting
        self._cache = cache
        # Whether a guard or a cache looks at requests before they leave.
        self._examined = guard is not None or cache is not None
        self.long_way = LongWay(kind, admission, attempts, accounting, guard, cache)
        self._flights = Flights(kind, attempts.tries, providers, self)
        self._run = secrets.token_hex(6)
        self._number = 0

    def __call__(self, exchange: Exchange) -> Coroutine[Any, Any, None] | None:
        """Handle one request; whatever happens, it is counted once. What is returned must be awaited."""
        self._number += 1
        outcome = Outcome(f"{self._run}-{self._number}")
        try:
            request = self._admission.at_once(exchange, outcome, self._kind)
        except ApiError as error:
            return self.long_way.refuse(exchange, outcome, error, in_flight=False)
        if request is None or outcome.reservation is None:
            return self.long_way.later(exchange, outcome, request)
        self._accounting.began(outcome)
        try:
            question = self.long_way.examine(exchange, outcome, request) if self._examined else None
            if request.stream or (question is not None and not self._misses(question, outcome)):
                return self.long_way.handle(exchange, outcome, request, question)
            left = self._flights.start(exchange, outcome, request, question)
        except Exception as error:
            return self.long_way.failed(exchange, outcome, error)
        if self._cache is not None and question is not None:
            # From here on others wait for this answer.
            self._cache.batches.open(question.identity)
        return None if left else self.long_way.go_on(exchange, outcome, request, question, None)

    def _misses(self, question: Question, outcome: Outcome) -> bool:
        """Whether it is known at once that the cache has no answer and nobody is buying one."""
        cache = self._cache
        if cache is None or not cache.at_once or not question.shareable or cache.batches.is_open(question.identity):
            return False
        question.entry = cache.find(question, outcome)
        return question.entry is None

    def landed(self, exchange: Exchange, outcome: Outcome, question: Question | None, answer: Answer) -> None:
        """A request that left has its answer."""
        outcome.status, outcome.usage = 200, answer.usage
        if question is not None and self._cache is not None:
            self.long_way.tell(self._cache, question, outcome, answer)
            self._cache.keep_at_once(question, outcome, answer.body)
        self._tries.succeeded(outcome)
        self._accounting.finish(outcome)
        exchange.answer(200, JSON_LINE + result_lines(outcome) + cost_line(outcome), answer.body)
