"""A provider that speaks OpenAI's protocol and does what the upstream model's name says."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_USAGE = {"prompt_tokens": 40, "completion_tokens": 20, "total_tokens": 60}
_SLOW_S = 0.4


class StandInProvider:
    """`fail-500` and `fail-401` answer with that status, names with `slow` take their time."""

    def __enter__(self) -> StandInProvider:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                _answer(self, body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"


def _answer(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
    model = body["model"]
    if model.startswith("fail-"):
        status = int(model.removeprefix("fail-")[:3])
        _send(handler, status, {"error": {"message": "no", "type": "stand_in", "code": str(status)}})
        return
    if "slow" in model:
        time.sleep(_SLOW_S)
    if body.get("stream"):
        _stream(handler, model)
        return
    message = {"role": "assistant", "content": "hello"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    _send(handler, 200, {**_head(model, "chat.completion"), "choices": [choice], "usage": _USAGE})


def _head(model: str, kind: str) -> dict[str, Any]:
    return {"id": "c-1", "object": kind, "created": 1, "model": model}


def _send(handler: BaseHTTPRequestHandler, status: int, body: dict[str, Any]) -> None:
    data = json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data)))
    handler.send_header("x-ratelimit-remaining-requests", str(50 + int(time.time()) % 7))
    handler.send_header("x-ratelimit-remaining-tokens", "5000")
    handler.end_headers()
    handler.wfile.write(data)


def _stream(handler: BaseHTTPRequestHandler, model: str) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()
    head = _head(model, "chat.completion.chunk")
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}, *({"content": "word "} for _ in range(5))]
    for delta in deltas:
        time.sleep(0.02)
        _event(handler, {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    _event(handler, {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": _USAGE})
    handler.wfile.write(b"data: [DONE]\n\n")
    handler.close_connection = True


def _event(handler: BaseHTTPRequestHandler, data: dict[str, Any]) -> None:
    handler.wfile.write(f"data: {json.dumps(data)}\n\n".encode())
    handler.wfile.flush()
