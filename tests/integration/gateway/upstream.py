"""An OpenAI-shaped upstream on a real socket; the model's name says how it behaves."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


class FakeUpstream:
    """`calls` holds (path, headers, body) of every request. With `tls` it speaks https.

    `room` is how many bytes its system takes of a request that it has not read.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, room: int | None = None) -> None:
        self.calls: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                upstream.calls.append((self.path, dict(self.headers), body))
                if upstream._gone:
                    self.close_connection = True
                    return
                if body["model"].startswith("slow-"):
                    upstream.released.wait(0.7)
                upstream.answer(self, {**body, "model": body["model"].removeprefix("slow-")})

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if room is not None:
            self._server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        # How many connections it has closed.
        self.closed = 0
        close = self._server.shutdown_request

        def closing(request: Any) -> None:
            close(request)
            self.closed += 1

        self._server.shutdown_request = closing  # type: ignore[method-assign]
        # A client that leaves is part of the tests.
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.released = threading.Event()
        self._gone = False

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> FakeUpstream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        if self._gone:
            return
        self._server.shutdown()
        self._server.server_close()

    def vanish(self) -> None:
        """Refuse every new connection and end the open ones after what they are answering."""
        self._server.shutdown()
        self._server.server_close()
        self._gone = True

    def of(self, model: str) -> list[dict[str, Any]]:
        return [body for _, _, body in self.calls if body["model"] == model]

    def answer(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        kind = body["model"]
        if kind.startswith("status-"):
            status = int(kind.split("-")[1])
            error = {"error": {"message": f"upstream says {status}", "type": "x", "code": None}}
            self._whole(handler, status, json.dumps(error).encode(), {"Retry-After": "7"} if status == 429 else {})
        elif kind == "silent":
            self.released.wait(30)
        elif kind == "garbage":
            self._whole(handler, 200, b"<html>not json</html>")
        elif kind == "closes":
            handler.close_connection = True
        elif kind == "half":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
            handler.close_connection = True
        elif kind == "stale":
            # Says keep-alive, then closes: the next request on this connection meets a dead socket.
            self._completion(handler, kind)
            handler.close_connection = True
        elif kind == "swallows" and self._seen(handler):
            # Reads a request on a kept connection and closes that without a word.
            handler.close_connection = True
        elif kind in ("resets", "shuts"):
            self._turns_away_the_next(handler, body)
        elif kind == "stalls":
            self._begin(handler)
            self._event(handler, {"choices": [{"index": 0, "delta": {"content": "one "}, "finish_reason": None}]})
            self.released.wait(30)
        elif kind == "vectors":
            self._vector(handler, str(body["input"]))
        elif body.get("stream"):
            self._stream(handler, body, cut=kind == "cut")
        else:
            self._completion(handler, kind)

    def _seen(self, handler: BaseHTTPRequestHandler) -> bool:
        """Whether this connection has carried a request before."""
        seen = getattr(handler, "seen", False)
        handler.seen = True  # type: ignore[attr-defined]
        return seen

    def _turns_away_the_next(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        """Answers, and closes when the next request comes, without reading it: at once, or its sending side first."""
        if body.get("stream"):
            self._stream(handler, body, cut=False)
        else:
            self._completion(handler, body["model"])
        connection = handler.connection
        handler.close_connection = True
        select.select([connection], [], [])
        if body["model"] == "shuts":
            if isinstance(connection, ssl.SSLSocket):
                connection.settimeout(0.1)
                # Says so by TLS too, and does not wait for the answer.
                with contextlib.suppress(OSError):
                    connection.unwrap()
            socket.socket.shutdown(connection, socket.SHUT_WR)
            time.sleep(1)
        # The handler's files would keep the socket open. What is unread makes the system send a reset.
        os.close(connection.detach())

    def _completion(self, handler: BaseHTTPRequestHandler, model: str) -> None:
        choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
        answer = {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [choice],
            "usage": USAGE,
            "x_unknown": {"kept": True},
        }
        if model == "no-usage":
            del answer["usage"]
        if model == "flex":
            answer["service_tier"] = "flex"
        self._whole(handler, 200, json.dumps(answer).encode())

    def _vector(self, handler: BaseHTTPRequestHandler, text: str) -> None:
        """Questions that begin alike have nearly the same vector."""
        if "fails" in text:
            self._whole(handler, 500, b'{"error":{"message":"no vectors"}}')
            return
        vector = [1.0, 0.2, len(text) / 1000] if "user: alike" in text else [-0.3, len(text) / 10, -1.0]
        data = [{"object": "embedding", "index": 0, "embedding": vector}]
        answer = {"object": "list", "data": data, "model": "vectors", "usage": {"prompt_tokens": 5, "total_tokens": 5}}
        self._whole(handler, 200, json.dumps(answer).encode())

    def _stream(self, handler: BaseHTTPRequestHandler, body: dict[str, Any], cut: bool) -> None:
        self._begin(handler)
        words: tuple[str, ...] = ("one ", "two ", "three")
        if body["model"] == "endless":
            words = tuple("on " for _ in range(10_000))
        for word in words:
            if len(words) > 3 and self.released.wait(0.05):
                return
            self._event(handler, {"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]})
        if cut:
            handler.close_connection = True
            return
        self._event(handler, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if (body.get("stream_options") or {}).get("include_usage") and body["model"] != "no-usage":
            tier = {"service_tier": "flex"} if body["model"] == "flex" else {}
            self._event(handler, {"choices": [], "usage": USAGE, **tier})
        self._chunk(handler, b"data: [DONE]\n\n")
        self._chunk(handler, b"")

    def _begin(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()

    def _event(self, handler: BaseHTTPRequestHandler, more: dict[str, Any]) -> None:
        event = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", **more}
        self._chunk(handler, b"data: " + json.dumps(event).encode() + b"\n\n")

    def _chunk(self, handler: BaseHTTPRequestHandler, data: bytes) -> None:
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _whole(
        self, handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
