"""A threaded HTTP server that records what it is asked and misbehaves as the model's name says."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

KEY = "sk-upstream-credential-0123456789"


@dataclass(frozen=True)
class Call:
    """One request as it came. Header names are in lower case."""

    path: str
    query: str
    headers: dict[str, str]
    body: dict[str, Any]


class RefusedError(Exception):
    """The provider would answer with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Fake:
    """A provider. Subclasses say how a call is checked and answered.

    The model's name tells the behaviour: `status-N` refuses, `silent` never answers, `cut` breaks a stream off,
    `cut-first` before its first event, `ends` ends it in the middle as if it were whole, `endless` streams until the client leaves, `garbage` answers what no provider
    would, `sse-garbage` does so in a stream; anything else behaves.
    """

    path_prefix = ""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.left = threading.Event()
        self.closing = threading.Event()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                call = Call(parts.path, parts.query, headers, body)
                fake.calls.append(call)
                fake.handle(Writer(self, fake), call)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.address[1]}{self.path_prefix}"

    def __enter__(self) -> Fake:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def handle(self, writer: Writer, call: Call) -> None:
        try:
            self.check(call)
            model = self.model(call)
            if not self.misbehave(writer, model, call):
                self.answer(writer, call)
        except RefusedError as refused:
            writer.json(refused.status, self.error(refused.status, refused.message))
        except (AssertionError, KeyError, TypeError, ValueError, AttributeError) as error:
            writer.json(400, self.error(400, f"malformed: {error!r}"))

    def misbehave(self, writer: Writer, model: str, call: Call) -> bool:
        stream = self.streams(call)
        if model.startswith("status-"):
            status = int(model.removeprefix("status-"))
            message = f"told to say {status} by http://10.1.2.3:8080/internal with key {KEY}"
            writer.json(status, self.error(status, message), {"Retry-After": "7"} if status == 429 else {})
        elif model == "silent":
            self.closing.wait(30)
        elif model == "garbage":
            writer.whole(200, "application/json", b"<html>[1,2")
        elif model == "sse-garbage" and stream:
            writer.begin()
            writer.chunk(b'data: {"half": \n\ndata: 7\n\n')
            writer.end()
        elif model == "cut-first" and stream:
            writer.begin()
            writer.handler.close_connection = True
        elif model == "ends" and stream:
            writer.begin()
            for event in (*self.opening(call), self.piece(call, "Hello")):
                writer.event(event)
            writer.end()
        elif model == "endless" and stream:
            self.endless(writer, call)
        else:
            return False
        return True

    def endless(self, writer: Writer, call: Call) -> None:
        writer.begin()
        events = self.opening(call)
        try:
            while not self.closing.is_set():
                for event in events:
                    writer.event(event)
                events = [self.piece(call, "on ")]
                self.closing.wait(0.02)
        except OSError:
            self.left.set()
        writer.handler.close_connection = True

    # What a provider is

    def check(self, call: Call) -> None:
        """Raises RefusedError for what the provider would refuse."""
        raise NotImplementedError

    def model(self, call: Call) -> str:
        """The model asked for."""
        raise NotImplementedError

    def streams(self, call: Call) -> bool:
        """Whether a stream is asked for."""
        raise NotImplementedError

    def answer(self, writer: Writer, call: Call) -> None:
        """A whole answer or a stream."""
        raise NotImplementedError

    def error(self, status: int, message: str) -> Any:
        """The provider's error object."""
        raise NotImplementedError

    def opening(self, call: Call) -> list[Any]:
        """A stream's events before its first text."""
        raise NotImplementedError

    def piece(self, call: Call, text: str) -> Any:
        """A stream's event with text."""
        raise NotImplementedError


class Writer:
    """Writes one response."""

    def __init__(self, handler: BaseHTTPRequestHandler, fake: Fake) -> None:
        self.handler = handler
        self._fake = fake

    def json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self.whole(status, "application/json", json.dumps(value).encode(), headers)

    def whole(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", kind)
        self.handler.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.handler.send_header(name, value)
        self.handler.end_headers()
        self.handler.wfile.write(body)

    def begin(self) -> None:
        self.handler.send_response(200)
        self.handler.send_header("Content-Type", "text/event-stream")
        self.handler.send_header("Transfer-Encoding", "chunked")
        self.handler.end_headers()

    def event(self, value: Any, name: str | None = None) -> None:
        if name is None and isinstance(value, dict) and isinstance(value.get("type"), str):
            name = value["type"]
        head = f"event: {name}\n".encode() if name else b""
        self.chunk(head + b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n")

    def chunk(self, data: bytes) -> None:
        self.handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.handler.wfile.flush()

    def end(self) -> None:
        self.handler.wfile.write(b"0\r\n\r\n")

    def stream(self, events: list[Any], cut: bool) -> None:
        """All events, or the first of them and then nothing more."""
        self.begin()
        for event in events[: max(len(events) - 3, 1)] if cut else events:
            self.event(event)
        if cut:
            self.handler.close_connection = True
        else:
            self.end()
