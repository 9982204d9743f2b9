"""The inbox over HTTP."""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from stackctl import __version__
from stackctl.proof.inbox.page import render_page
from stackctl.resources import data_dir

if TYPE_CHECKING:
    from starlette.requests import Request

    from stackctl.proof.inbox.message import Source
    from stackctl.proof.inbox.store import Store

MAX_BODY_BYTES = 1024 * 1024
_ALERT = re.compile(r"[A-Za-z0-9]+")


class _RefusedError(Exception):
    """The request is answered with this status and this one word, as Slack does."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.answer = PlainTextResponse(word, status)


def create_app(store: Store) -> Starlette:
    """The ASGI application that serves one store."""
    inbox = _Inbox(store)
    return Starlette(
        routes=[
            Route("/", inbox.page),
            Route("/health", inbox.health),
            Route("/runbooks/{alert}", inbox.runbook),
            Route("/slack", inbox.slack, methods=["POST"]),
            Route("/webhook", inbox.webhook, methods=["POST"]),
            Route("/messages", inbox.messages, methods=["GET"]),
            Route("/messages", inbox.clear, methods=["DELETE"]),
        ]
    )


class _Inbox:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def slack(self, request: Request) -> Response:
        """Slack's own words: https://api.slack.com/messaging/webhooks#handling_errors."""
        try:
            payload = await _payload(request)
            if not any(payload.get(field) for field in ("text", "attachments", "blocks")):
                raise _RefusedError(400, "no_text")
        except _RefusedError as refusal:
            return refusal.answer
        return self._keep("slack", payload)

    async def webhook(self, request: Request) -> Response:
        """Alertmanager's webhook JSON: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config."""
        try:
            payload = await _payload(request)
            if not isinstance(payload.get("alerts"), list):
                raise _RefusedError(400, "no_alerts")
        except _RefusedError as refusal:
            return refusal.answer
        return self._keep("webhook", payload)

    def _keep(self, source: Source, payload: dict[str, Any]) -> Response:
        try:
            self._store.add(source, payload)
        except OSError as error:
            # 5xx makes Alertmanager try again: nothing is lost while the disk is full.
            return PlainTextResponse(f"not_stored: {error.strerror}", 503)
        return PlainTextResponse("ok")

    async def messages(self, request: Request) -> Response:
        try:
            since = int(request.query_params.get("since", "0"))
        except ValueError:
            return JSONResponse({"error": "since must be a message number"}, 400)
        found = self._store.messages(since=since, contains=request.query_params.getlist("contains"))
        return JSONResponse({"last": self._store.last, "messages": [message.as_json() for message in found]})

    async def clear(self, _request: Request) -> Response:
        return JSONResponse({"deleted": self._store.clear()})

    async def runbook(self, request: Request) -> Response:
        """The page an alert's message links to, as the Markdown it is written in."""
        page = data_dir("docs/runbooks") / f"{request.path_params['alert']}.md"
        if not _ALERT.fullmatch(request.path_params["alert"]) or not page.is_file():
            return PlainTextResponse("there is no runbook of that name", 404)
        headers = {"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"}
        return PlainTextResponse(page.read_text(encoding="utf-8"), headers=headers)

    async def health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__, "last": self._store.last})

    async def page(self, _request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        html = render_page(list(reversed(self._store.messages())), last=self._store.last, nonce=nonce)
        policy = f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'"
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return HTMLResponse(html, headers=headers)


async def _payload(request: Request) -> dict[str, Any]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _RefusedError(413, "payload_too_large")
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        raise _RefusedError(400, "invalid_payload") from None
    if not isinstance(payload, dict):
        raise _RefusedError(400, "invalid_payload")
    return payload
