"""Answering what cannot be sent where it was read: streams, answers of caches, retries, refusals."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Final

from gateway import clock
from gateway.api import missing_usage
from gateway.api.accounting import Accounting
from gateway.api.admission import Admission
from gateway.api.answers import EVENTS, JSON, JSON_LINE, header_value, lines_of, send_bytes
from gateway.api.attempts import Attempts, Made
from gateway.api.caching import Caching, Question
from gateway.api.coming import ClientLeftError
from gateway.api.dialects import body_of, event_of, told
from gateway.api.exchange import Exchange
from gateway.api.guarding import Guard
from gateway.api.litellm_lines import cost_line, result_lines
from gateway.api.outcome import Outcome
from gateway.api.relay import MOST_KEPT, Relay
from gateway.cache import Entry
from gateway.config import Deployment
from gateway.errors import ApiError, UpstreamError
from gateway.providers import Answer, Kind, Provider, Request, Stream
from gateway.tokens import Usage

_log: Final = logging.getLogger("gateway.worker")
_EVENT_LINES: Final = lines_of(EVENTS)
_TRAILER: Final = b"trailer: x-litellm-response-cost\r\n"


class LongWay:
    """Of one endpoint. What is returned must be awaited, and counts and answers its request whatever happens."""

    def __init__(
        self,
        kind: Kind,
        admission: Admission,
        attempts: Attempts,
        accounting: Accounting,
        guard: Guard | None,
        cache: Caching | None,
    ) -> None:
        self._kind = kind
        self._admission = admission
        self._attempts = attempts
        self._tries = attempts.tries
        self._accounting = accounting
        self._guard = guard
        self._cache = cache

    def examine(self, exchange: Exchange, outcome: Outcome, request: Request) -> Question | None:
        """What to ask the cache. Raises ApiError."""
        if self._guard is not None:
            self._guard.examine(outcome, request)
        return None if self._cache is None else self._cache.question(exchange, outcome, request)

    async def later(self, exchange: Exchange, outcome: Outcome, request: Request | None) -> None:
        try:
            if request is None:
                request = await self._admission.later(exchange, outcome, self._kind)
            if outcome.reservation is None:
                await self._admission.ask(outcome, request)
        except ClientLeftError:
            outcome.failed(499, "client_closed_request")
            self._accounting.finish(outcome, in_flight=False)
        except ApiError as error:
            await self.refuse(exchange, outcome, error, in_flight=False)
        else:
            self._accounting.began(outcome)
            try:
                question = self.examine(exchange, outcome, request)
            except Exception as error:
                await self.failed(exchange, outcome, error)
            else:
                await self.handle(exchange, outcome, request, question)

    async def handle(self, exchange: Exchange, outcome: Outcome, request: Request, question: Question | None) -> None:
        try:
            if self._cache is not None and question is not None:
                await self._cached(self._cache, question, request, outcome, exchange)
            elif request.stream:
                await self._stream(request, outcome, exchange)
            else:
                await self._answer(exchange, request, outcome)
        except Exception as error:
            await self.failed(exchange, outcome, error)

    async def go_on(
        self, exchange: Exchange, outcome: Outcome, request: Request, question: Question | None, made: Made | None
    ) -> None:
        """A request that left: its first attempt was made; None: it was not."""
        try:
            if question is None or self._cache is None:
                await self._answer(exchange, request, outcome, made)
            else:
                await self._share(self._cache, question, request, outcome, exchange, made)
        except Exception as error:
            await self.failed(exchange, outcome, error)

    async def refuse(self, exchange: Exchange, outcome: Outcome, error: ApiError, in_flight: bool = True) -> None:
        """A request has no answer."""
        outcome.failed(error.status, error.kind)
        self._accounting.finish(outcome, in_flight)
        body = body_of(self._kind, error, outcome.request_id)
        await send_bytes(exchange, error.status, body, (JSON, *error.headers), result_lines(outcome))

    async def failed(self, exchange: Exchange, outcome: Outcome, error: Exception) -> None:
        if isinstance(error, UpstreamError):
            error = told(error)
        elif not isinstance(error, ApiError):
            _log.error("request %s failed", outcome.request_id, exc_info=error)
            error = ApiError(500, "api_error", "The gateway failed")
        await self.refuse(exchange, outcome, error)

    async def _answer(self, exchange: Exchange, request: Request, outcome: Outcome, made: Made | None = None) -> None:
        # Nobody waits for the answer of a client that has left: its attempt is ended (docs/decisions/111).
        exchange.abandonable = True
        try:
            answer = await self._buy(request, outcome, made)
        except asyncio.CancelledError:
            await self._left(request, outcome)
            return
        finally:
            exchange.abandonable = False
        await self._send_answer(answer, outcome, exchange)

    async def _left(self, request: Request, outcome: Outcome) -> None:
        """The prompt was sent, and its provider bills it."""
        outcome.failed(499, "client_closed_request")
        if outcome.step is not None:
            outcome.usage = await missing_usage.of_stream(request, [], 0, Usage(estimated=True))
        self._accounting.finish(outcome)

    async def _buy(self, request: Request, outcome: Outcome, made: Made | None = None) -> Answer:
        def call(provider: Provider, deployment: Deployment) -> Awaitable[Answer]:
            nonlocal made
            if made is None:
                return provider.complete(deployment, request)
            first, made = made, None
            return first.answer()

        answer = await self._attempts.first_success(outcome, call, made)
        self._tries.succeeded(outcome)
        outcome.status, outcome.usage = 200, answer.usage
        if answer.usage.estimated:
            outcome.usage = await missing_usage.of_answer(request, answer.body, answer.usage)
        return answer

    async def _send_answer(self, answer: Answer, outcome: Outcome, exchange: Exchange) -> None:
        self._accounting.finish(outcome)
        if exchange.full:
            await exchange.drain()
        exchange.answer(200, JSON_LINE + result_lines(outcome) + cost_line(outcome), answer.body)

    async def _cached(
        self,
        cache: Caching,
        question: Question,
        request: Request,
        outcome: Outcome,
        exchange: Exchange,
    ) -> None:
        if await self._shared(cache, question, outcome, exchange):
            return
        entry = question.entry or await cache.look_up(question, outcome, request)
        if entry is not None:
            await self._hit(entry, question, request, outcome, exchange)
        elif request.stream:
            await self._stream(request, outcome, exchange, (cache, question))
        elif question.shareable:
            # Somebody may have asked while this one looked.
            if not await self._shared(cache, question, outcome, exchange):
                await self._share(cache, question, request, outcome, exchange)
        else:
            answer = await self._buy(request, outcome)
            await cache.keep(question, outcome, answer.body)
            await self._send_answer(answer, outcome, exchange)

    async def _hit(
        self, entry: Entry, question: Question, request: Request, outcome: Outcome, exchange: Exchange
    ) -> None:
        outcome.status = 200
        self._accounting.finish(outcome)
        headers = (
            (b"x-litellm-model-id", header_value(entry.deployment)),
            (b"x-litellm-cache-key", question.identity.hex().encode()),
            (b"age", b"%d" % max(clock.now() - entry.stored, 0.0)),
        )
        head = result_lines(outcome) + cost_line(outcome)
        if not request.stream:
            await send_bytes(exchange, 200, entry.body, (JSON, *headers), head)
            return
        exchange.start(200, lines_of((*EVENTS, *headers)) + head)
        exchange.send_part(entry.body, False)

    async def _share(
        self, cache: Caching, question: Question, request: Request, outcome: Outcome, exchange: Exchange,
        made: Made | None = None,
    ) -> None:  # fmt: skip
        """Buy an answer for everybody who asks the same meanwhile."""
        batch = cache.batches.open(question.identity)
        try:
            answer = await self._buy(request, outcome, made)
            await cache.keep(question, outcome, answer.body)
        except BaseException as error:
            cache.batches.close(question.identity)
            batch.fail(error if isinstance(error, UpstreamError) else _broke_off())
            raise
        self.tell(cache, question, outcome, answer)
        await self._send_answer(answer, outcome, exchange)

    def tell(self, cache: Caching, question: Question, outcome: Outcome, answer: Answer) -> None:
        """Whoever asked the same gets the answer and pays a part."""
        batch = cache.batches.close(question.identity)
        if batch is not None and batch.callers > 1:
            outcome.share = batch.tell((answer, outcome.step), self._accounting.cost(outcome))

    async def _shared(self, cache: Caching, question: Question, outcome: Outcome, exchange: Exchange) -> bool:
        """Wait for the answer that somebody else is buying, if somebody is, and pay a part of it."""
        batch = cache.batches.join(question.identity) if question.shareable else None
        if batch is None:
            return False
        if not outcome.cache:
            cache.missed(outcome)
        began = time.perf_counter()
        try:
            (answer, outcome.step), cost = await batch.answer()
        finally:
            outcome.upstream_s += time.perf_counter() - began
        outcome.status = 200
        outcome.share = None if cost is None else batch.share()
        await self._send_answer(answer, outcome, exchange)
        return True

    async def _stream(
        self,
        request: Request,
        outcome: Outcome,
        exchange: Exchange,
        keep: tuple[Caching, Question] | None = None,
    ) -> None:
        async def call(provider: Provider, deployment: Deployment) -> tuple[Stream, AsyncIterator[bytes], bytes]:
            stream = await provider.stream(deployment, request)
            events = stream.__aiter__()
            try:
                return stream, events, await anext(events, b"")
            except BaseException:
                await stream.close()
                raise

        outcome.trailers = exchange.headers.get(b"te") == b"trailers"
        stream, events, first = await self._attempts.first_success(outcome, call)
        outcome.status, outcome.first_token = 200, time.perf_counter()
        relay = Relay(exchange)
        broken: ApiError | None = None
        try:
            exchange.start(200, _EVENT_LINES + result_lines(outcome) + _TRAILER * outcome.trailers)
            await relay.run(first, events)
        except UpstreamError as error:
            broken = told(error)
            outcome.failed(error.status, error.kind)
        except Exception:
            # The client has had its 200: all that is left to say is that the rest will not come.
            _log.exception("the stream of request %s failed", outcome.request_id)
            broken = ApiError(500, "api_error", "The gateway failed")
            outcome.failed(broken.status, broken.kind)
        finally:
            gone = exchange.gone
            await stream.close()
        outcome.usage = stream.usage
        if stream.usage.estimated:
            outcome.usage = await missing_usage.of_stream(request, relay.kept, relay.bytes, stream.usage)
        if keep is not None and broken is None and not gone and relay.bytes <= MOST_KEPT:
            cache, question = keep
            await cache.keep(question, outcome, b"".join((*relay.kept, stream.closing)))
        self._end_stream(outcome, gone)
        last = stream.closing if broken is None else event_of(self._kind, broken, relay.sent)
        if exchange.full:
            await exchange.drain()
        # What it cost is known now.
        exchange.send_part(last, False, cost_line(outcome) * outcome.trailers)

    def _end_stream(self, outcome: Outcome, gone: bool) -> None:
        if outcome.error_type:
            self._tries.broke(outcome, outcome.status)
        else:
            self._tries.succeeded(outcome)
            if gone:
                outcome.failed(499, "client_closed_request")
        self._accounting.finish(outcome)


def _broke_off() -> UpstreamError:
    return UpstreamError(500, "api_error", "The request whose answer was to be shared broke off")
