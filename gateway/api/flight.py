"""The short way of most requests: plain, to a deployment that is well, on a connection that is there.

Such a request needs no task, no future and no chain of coroutines, which together cost as much as a tenth of all that
the gateway does with it: it is sent when it has been read and answered when its answer has (docs/decisions/164). With
whatever else happens to it, it goes on by the long way, with its plan and what came of its first attempt.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final

from gateway.api.attempts import Made
from gateway.api.caching import Question
from gateway.api.exchange import Exchange
from gateway.api.outcome import Outcome
from gateway.api.tasks import whatever_is_left
from gateway.api.tries import Tries
from gateway.errors import ApiError, UpstreamError
from gateway.providers import Answer, Direct, Kind, Request
from gateway.providers.translating import Translating
from gateway.routing import Step
from gateway.upstream import Body, StaleConnectionError

if TYPE_CHECKING:
    from gateway.api.endpoint import Endpoint

_log: Final = logging.getLogger("gateway.worker")


class Flights:
    """Of one endpoint."""

    def __init__(self, kind: Kind, tries: Tries, providers: Mapping[str, Translating], endpoint: Endpoint) -> None:
        self._kind = kind
        self._tries = tries
        self._providers = providers
        self._endpoint = endpoint
        self._direct: dict[Step, Direct | None] = {}

    def start(self, exchange: Exchange, outcome: Outcome, request: Request, question: Question | None) -> bool:
        """Send a plain request, if it can go the short way. `question`: others may ask for its answer meanwhile."""
        steps = self._tries.at_once(outcome)
        if steps is None:
            return False
        try:
            direct = self._direct[steps[0]]
        except KeyError:
            deployment = steps[0].deployment
            direct = self._direct[steps[0]] = self._providers[deployment.provider].direct(deployment, self._kind)
        return (
            direct is not None and Flight(direct, steps, exchange, outcome, request, question, self._endpoint).start()
        )


class Flight:
    """One request that is under way; its connection takes this for the future it completes."""

    __slots__ = (
        "_began",
        "_direct",
        "_endpoint",
        "_exchange",
        "_landed",
        "_outcome",
        "_question",
        "_request",
        "_step",
        "_steps",
        "_then",
    )  # fmt: skip

    def __init__(
        self, direct: Direct, steps: list[Step], exchange: Exchange, outcome: Outcome, request: Request,
        question: Question | None, endpoint: Endpoint,
    ) -> None:  # fmt: skip
        self._direct = direct
        self._steps = steps
        self._step = steps[0]
        self._exchange = exchange
        self._outcome = outcome
        self._request = request
        self._question = question
        self._endpoint = endpoint
        self._landed = False
        # Once the client has left an answer that others may wait for: what is still to be done, when it is known.
        self._then: asyncio.Future[Coroutine[Any, Any, None] | None] | None = None

    def start(self) -> bool:
        """Whether it could be sent at once."""
        self._began = time.perf_counter()
        abort = self._direct.begin(self._step.deployment, self._request, self)
        if abort is None:
            return False
        self._outcome.step = self._step
        self._step.in_flight += 1
        self._exchange.on_gone = abort if self._question is None else self._stay
        return True

    def done(self) -> bool:
        """Whether it has been told a result."""
        return self._landed

    def set_result(self, body: Body) -> None:
        """The upstream has answered."""
        self._end()
        seconds = time.perf_counter() - self._began
        try:
            answer = self._direct.read(self._step.deployment, self._request, body)
        except Exception as error:
            self._go_on(error)
            return
        if answer.usage.estimated or self._exchange.full:
            self._go_on(answer)
            return
        self._step.took(seconds)
        self._outcome.upstream_s += seconds
        try:
            self._endpoint.landed(self._exchange, self._outcome, self._question, answer)
        except Exception:
            self._fail()
        else:
            if self._then is not None:
                self._then.set_result(None)

    def set_exception(self, error: Exception) -> None:
        """There will be no answer."""
        self._end()
        if isinstance(error, StaleConnectionError):
            self._go_on(None)
        elif self._exchange.gone and self._question is None:
            self._go_on(asyncio.CancelledError())
        elif isinstance(error, UpstreamError):
            self._go_on(error)
        else:
            self._go_on(UpstreamError(502, "connection_error", "the connection was given up"))

    def _end(self) -> None:
        # The connection may be another request's from here on.
        self._landed = True
        self._exchange.on_gone = None

    def _go_on(self, result: Answer | Exception | asyncio.CancelledError | None) -> None:
        self._step.in_flight -= 1
        made = None if result is None else Made(self._steps, self._began, result)
        self._do(self._endpoint.long_way.go_on(self._exchange, self._outcome, self._request, self._question, made))

    def _fail(self) -> None:
        _log.exception("request %s failed", self._outcome.request_id)
        error = ApiError(500, "api_error", "The gateway failed")
        self._do(self._endpoint.long_way.refuse(self._exchange, self._outcome, error))

    def _do(self, way: Coroutine[Any, Any, None]) -> None:
        if self._then is not None:
            self._then.set_result(way)
        else:
            self._exchange.go_on(way)

    def _stay(self) -> None:
        """The client has left: a worker that is to end waits for what is left to be done."""
        self._then = asyncio.get_running_loop().create_future()
        self._exchange.go_on(whatever_is_left(self._then))
