"""`POST /v1/chat/completions`, plain and streaming."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator
from itertools import count

from gateway.api.accounting import Accounting
from gateway.api.admission import Admission
from gateway.api.answers import EVENTS, JSON, Header, Receive, Scope, Send, error_body, send_bytes, send_error
from gateway.api.attempts import Attempts
from gateway.api.outcome import Outcome
from gateway.api.requests import ClientLeftError
from gateway.config import Deployment
from gateway.errors import ApiError, UpstreamError
from gateway.money import usd_from_nano
from gateway.providers import Answer, Kind, Provider, Request, Stream

_log = logging.getLogger("gateway.worker")
_DONE = b"data: [DONE]\n\n"


class Endpoint:
    """The handler of one kind of request in one worker."""

    def __init__(self, kind: Kind, admission: Admission, attempts: Attempts, accounting: Accounting) -> None:
        self._kind = kind
        self._admission = admission
        self._attempts = attempts
        self._accounting = accounting
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
            handle = self._stream if request.stream else self._answer
            await handle(request, outcome, receive, send)
        except ApiError as error:
            await self._refuse(send, outcome, error)
        except UpstreamError as error:
            await self._refuse(send, outcome, _told(error))
        except Exception:
            _log.exception("request %s failed", outcome.request_id)
            await self._refuse(send, outcome, ApiError(500, "api_error", "The gateway failed"))

    async def _answer(self, request: Request, outcome: Outcome, _: Receive, send: Send) -> None:
        async def call(provider: Provider, deployment: Deployment) -> Answer:
            return await provider.complete(deployment, request)

        answer = await self._attempts.first_success(outcome, call)
        self._attempts.succeeded(outcome)
        outcome.status, outcome.usage = 200, answer.usage
        self._accounting.finish(outcome)
        cost = (b"x-litellm-response-cost", b"%.9f" % usd_from_nano(outcome.cost))
        await send_bytes(send, 200, answer.body, (JSON, *_headers(outcome), cost))

    async def _stream(self, request: Request, outcome: Outcome, receive: Receive, send: Send) -> None:
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
        try:
            await send({"type": "http.response.start", "status": 200, "headers": [*EVENTS, *_headers(outcome)]})
            await _relay(send, first, events, left)
        except UpstreamError as error:
            outcome.failed(error.status, error.kind)
        finally:
            left.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await left
            await stream.close()
        await self._end_stream(send, outcome, stream, gone=left.done() and not left.cancelled())

    async def _end_stream(self, send: Send, outcome: Outcome, stream: Stream, gone: bool) -> None:
        outcome.usage = stream.usage
        if outcome.error_type:
            self._attempts.broke(outcome, outcome.status)
            last = b"data: " + error_body(outcome.status, outcome.error_type, "The upstream broke off") + b"\n\n"
        else:
            self._attempts.succeeded(outcome)
            last = _DONE
        if gone and not outcome.error_type:
            outcome.failed(499, "client_closed_request")
        self._accounting.finish(outcome)
        await send({"type": "http.response.body", "body": last})

    async def _refuse(self, send: Send, outcome: Outcome, error: ApiError, in_flight: bool = True) -> None:
        outcome.failed(error.status, error.kind)
        self._accounting.finish(outcome, in_flight)
        await send_error(send, error, _headers(outcome))


async def _relay(send: Send, first: bytes, events: AsyncIterator[bytes], left: asyncio.Task[None]) -> None:
    if first:
        await send({"type": "http.response.body", "body": first, "more_body": True})
    async for event in events:
        if left.done():
            return
        await send({"type": "http.response.body", "body": event, "more_body": True})


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _headers(outcome: Outcome) -> tuple[Header, ...]:
    call = (b"x-litellm-call-id", outcome.request_id.encode())
    if outcome.step is None:
        return (call,)
    tries = b"%d" % sum(status >= 400 for _, _, status in outcome.attempts)
    deployment = outcome.step.deployment.id.encode("ascii", "replace")
    return call, (b"x-litellm-model-id", deployment), (b"x-litellm-attempted-retries", tries)


def _told(error: UpstreamError) -> ApiError:
    headers = ((b"retry-after", error.retry_after),) if error.retry_after else ()
    return ApiError(error.status, error.kind, error.message, headers=headers)
