"""One endpoint that calls models: admit, guard, cache, attempt, answer or stream, finish."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable
from itertools import count

from gateway import __version__, clock
from gateway.api import missing_usage
from gateway.api.accounting import Accounting
from gateway.api.admission import Admission
from gateway.api.answers import EVENTS, JSON, Receive, Scope, Send, header_value, send_bytes
from gateway.api.attempts import Attempts
from gateway.api.caching import Caching, Question
from gateway.api.dialects import body_of, event_of, told
from gateway.api.guarding import Guard
from gateway.api.outcome import Outcome
from gateway.api.requests import ClientLeftError
from gateway.cache import Entry
from gateway.config import Deployment
from gateway.errors import ApiError, UpstreamError
from gateway.money import usd_from_nano
from gateway.providers import Answer, Kind, Provider, Request, Stream, Usage

_log = logging.getLogger("gateway.worker")
# Bytes of a stream that are kept while it is sent.
_MOST_KEPT = 1 << 20
_VERSION = b"x-litellm-version: %b\r\n" % __version__.encode()
_TRAILER = b"trailer: x-litellm-response-cost\r\n"
_HEAD = (
    b"x-litellm-call-id: %b\r\n%bx-litellm-attempted-retries: %d\r\nx-litellm-attempted-fallbacks: %d\r\n"
    b"x-litellm-response-duration-ms: %.3f\r\nx-litellm-overhead-duration-ms: %.3f\r\n"
)


class Endpoint:
    """The handler of one kind of request in one worker."""

    def __init__(
        self,
        kind: Kind,
        admission: Admission,
        attempts: Attempts,
        accounting: Accounting,
        guard: Guard | None = None,
        cache: Caching | None = None,
    ) -> None:
        self._kind = kind
        self._admission = admission
        self._attempts = attempts
        self._accounting = accounting
        self._guard = guard
        self._cache = cache
        self._run = secrets.token_hex(6)
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; whatever happens, it is counted once."""
        outcome = Outcome(f"{self._run}-{next(self._numbers):x}")
        try:
            request = await self._admission.admit(scope, receive, outcome, self._kind)
        except ClientLeftError:
            outcome.failed(499, "client_closed_request")
            self._accounting.finish(outcome, in_flight=False)
            return
        except ApiError as error:
            await self._refuse(send, outcome, error, in_flight=False)
            return
        self._accounting.began(outcome)
        try:
            if self._guard is not None:
                self._guard.examine(outcome, request)
            if self._cache is not None and (question := self._cache.question(scope, outcome, request)) is not None:
                await self._cached(self._cache, question, request, outcome, receive, send)
            elif request.stream:
                outcome.trailers = (b"te", b"trailers") in scope["headers"]
                await self._stream(request, outcome, receive, send)
            else:
                await self._answer(scope, request, outcome, send)
        except ApiError as error:
            await self._refuse(send, outcome, error)
        except UpstreamError as error:
            await self._refuse(send, outcome, told(error))
        except Exception:
            _log.exception("request %s failed", outcome.request_id)
            await self._refuse(send, outcome, ApiError(500, "api_error", "The gateway failed"))

    async def _answer(self, scope: Scope, request: Request, outcome: Outcome, send: Send) -> None:
        # Nobody waits for the answer of a client that has left: its attempt is ended (docs/decisions/111).
        scope["gateway.abandonable"] = True
        try:
            answer = await self._buy(request, outcome)
        except asyncio.CancelledError:
            self._left(request, outcome)
            return
        finally:
            scope["gateway.abandonable"] = False
        await self._send_answer(answer, outcome, send)

    def _left(self, request: Request, outcome: Outcome) -> None:
        """The prompt was sent, and its provider bills it."""
        outcome.failed(499, "client_closed_request")
        if outcome.step is not None:
            outcome.usage = Usage(request.raw_size // 4, estimated=True)
        self._accounting.finish(outcome)

    async def _buy(self, request: Request, outcome: Outcome) -> Answer:
        def call(provider: Provider, deployment: Deployment) -> Awaitable[Answer]:
            return provider.complete(deployment, request)

        answer = await self._attempts.first_success(outcome, call)
        self._attempts.succeeded(outcome)
        outcome.status, outcome.usage = 200, answer.usage
        if answer.usage.estimated:
            outcome.usage = await missing_usage.of_answer(request, answer.body, answer.usage)
        return answer

    async def _send_answer(self, answer: Answer, outcome: Outcome, send: Send) -> None:
        self._accounting.finish(outcome)
        await send_bytes(send, 200, answer.body, head=_head(outcome) + _cost(outcome))

    async def _cached(
        self, cache: Caching, question: Question, request: Request, outcome: Outcome, receive: Receive, send: Send
    ) -> None:
        if await self._shared(cache, question, outcome, send):
            return
        entry = await cache.look_up(question, outcome, request)
        if entry is not None:
            await self._hit(entry, question, request, outcome, send)
        elif request.stream:
            await self._stream(request, outcome, receive, send, (cache, question))
        elif question.shareable:
            # Somebody may have asked while this one looked.
            if not await self._shared(cache, question, outcome, send):
                await self._share(cache, question, request, outcome, send)
        else:
            answer = await self._buy(request, outcome)
            await cache.keep(question, outcome, answer.body)
            await self._send_answer(answer, outcome, send)

    async def _hit(self, entry: Entry, question: Question, request: Request, outcome: Outcome, send: Send) -> None:
        outcome.status = 200
        self._accounting.finish(outcome)
        headers = (
            (b"x-litellm-model-id", header_value(entry.deployment)),
            (b"x-litellm-cache-key", question.identity.hex().encode()),
            (b"age", b"%d" % max(clock.now() - entry.stored, 0.0)),
        )
        head = _head(outcome) + _cost(outcome)
        if not request.stream:
            await send_bytes(send, 200, entry.body, (JSON, *headers), head)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [*EVENTS, *headers], "head": head})
        await send({"type": "http.response.body", "body": entry.body})

    async def _share(self, cache: Caching, question: Question, request: Request, outcome: Outcome, send: Send) -> None:
        """Buy an answer for everybody who asks the same meanwhile."""
        batch = cache.batches.open(question.identity)
        try:
            answer = await self._buy(request, outcome)
            await cache.keep(question, outcome, answer.body)
        except BaseException as error:
            batch.fail(error if isinstance(error, UpstreamError) else _broke_off())
            raise
        finally:
            cache.batches.close(question.identity)
        outcome.share = batch.tell((answer, outcome.step), self._accounting.cost(outcome))
        await self._send_answer(answer, outcome, send)

    async def _shared(self, cache: Caching, question: Question, outcome: Outcome, send: Send) -> bool:
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
        await self._send_answer(answer, outcome, send)
        return True

    async def _stream(
        self,
        request: Request,
        outcome: Outcome,
        receive: Receive,
        send: Send,
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

        stream, events, first = await self._attempts.first_success(outcome, call)
        loop = asyncio.get_running_loop()
        left = loop.create_task(_until_left(receive))
        outcome.status, outcome.first_token = 200, time.perf_counter()
        relay = _Relay(send, left)
        broken: ApiError | None = None
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": 200,
                    "headers": EVENTS,
                    "head": _head(outcome) + _TRAILER * outcome.trailers,
                }
            )
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
            gone = left.done()
            left.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await left
            await stream.close()
        outcome.usage = stream.usage
        if stream.usage.estimated:
            outcome.usage = await missing_usage.of_stream(request, relay.kept, relay.bytes, stream.usage)
        if keep is not None and broken is None and not gone and relay.bytes <= _MOST_KEPT:
            cache, question = keep
            await cache.keep(question, outcome, b"".join((*relay.kept, stream.closing)))
        self._end_stream(outcome, gone)
        last = stream.closing if broken is None else event_of(self._kind, broken, relay.sent)
        # What it cost is known now.
        await send({"type": "http.response.body", "body": last, "trailer": _cost(outcome) * outcome.trailers})

    def _end_stream(self, outcome: Outcome, gone: bool) -> None:
        if outcome.error_type:
            self._attempts.broke(outcome, outcome.status)
        else:
            self._attempts.succeeded(outcome)
            if gone:
                outcome.failed(499, "client_closed_request")
        self._accounting.finish(outcome)

    async def _refuse(self, send: Send, outcome: Outcome, error: ApiError, in_flight: bool = True) -> None:
        outcome.failed(error.status, error.kind)
        self._accounting.finish(outcome, in_flight)
        body = body_of(self._kind, error, outcome.request_id)
        await send_bytes(send, error.status, body, (JSON, *error.headers), _head(outcome))


class _Relay:
    """Sends events on until the stream ends or the client leaves, and counts them.

    `kept` are the events, as long as they are not too large: they tell what was sent if the provider does not.
    """

    def __init__(self, send: Send, left: asyncio.Task[None]) -> None:
        self._send = send
        self._left = left
        self.kept: list[bytes] = []
        self.sent = self.bytes = 0

    async def run(self, first: bytes, events: AsyncIterator[bytes]) -> None:
        """Raises UpstreamError when the upstream breaks off."""
        if not first:
            return
        await self._send({"type": "http.response.body", "body": first, "more_body": True})
        self.sent, self.bytes = 1, len(first)
        self.kept.append(first)
        async for event in events:
            if self._left.done():
                return
            await self._send({"type": "http.response.body", "body": event, "more_body": True})
            self.sent += 1
            self.bytes += len(event)
            if self.bytes <= _MOST_KEPT:
                self.kept.append(event)


def _broke_off() -> UpstreamError:
    return UpstreamError(500, "api_error", "The request whose answer was to be shared broke off")


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _head(outcome: Outcome) -> bytes:
    """The header lines that say what became of a request."""
    step = outcome.step
    if step is None:
        return b"x-litellm-call-id: %b\r\n%b" % (outcome.request_id.encode(), _VERSION)
    if not step.head:
        names = (_VERSION, header_value(step.deployment.id), header_value(step.model))
        step.head = b"%bx-litellm-model-id: %b\r\nx-litellm-model-group: %b\r\n" % names
    seconds = (outcome.first_token or time.perf_counter()) - outcome.clock
    return _HEAD % (
        outcome.request_id.encode(),
        step.head,
        sum([status >= 400 for _, _, status in outcome.attempts]),
        outcome.fallbacks,
        1e3 * outcome.upstream_s,
        1e3 * max(seconds - outcome.upstream_s, 0.0),
    )


def _cost(outcome: Outcome) -> bytes:
    return b"x-litellm-response-cost: %.9f\r\n" % usd_from_nano(outcome.cost)
