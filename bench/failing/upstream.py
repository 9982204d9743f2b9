"""An OpenAI-compatible provider that can be told to fail: `python upstream.py PORT NAME`.

It answers 0.1 s after a request, whole or as a stream, in one write: what died meanwhile said nothing at all. The
answer's text is NAME. `POST /behave/KIND` says what it does from then on, also with what it has read already.
"""

from __future__ import annotations

import asyncio
import json
import sys

LATENCY_S = 0.1
_USAGE = {"prompt_tokens": 90, "completion_tokens": 2, "total_tokens": 92}


class Provider(asyncio.Protocol):
    """One connection. `kind` is common to all of them: ok, hang, 500 or cut."""

    kind = "ok"
    name = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._pending = b""

    def data_received(self, data: bytes) -> None:
        self._pending += data
        head, found, body = self._pending.partition(b"\r\n\r\n")
        if not found:
            return
        lines = head.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        if len(body) < length:
            return
        self._pending = body[length:]
        path = head.split(b" ")[1].decode()
        if path.startswith("/behave/"):
            Provider.kind = path.removeprefix("/behave/")
            self._say(200, b"{}")
        else:
            stream = bool(json.loads(body[:length]).get("stream"))
            asyncio.get_running_loop().call_later(LATENCY_S, self._answer, stream)

    def _answer(self, stream: bool) -> None:
        if self._transport.is_closing() or self.kind == "hang":
            return
        if self.kind == "500":
            self._say(500, b'{"error":{"message":"out of order","type":"server_error","code":null}}')
        elif self.kind == "cut":
            self._transport.write(_head(200, stream, 1000))
            self._transport.close()
        elif stream:
            self._transport.write(_head(200, True, 0) + b"".join(map(_chunk, _events(self.name))) + b"0\r\n\r\n")
        else:
            self._say(200, json.dumps(_completion(self.name)).encode())

    def _say(self, status: int, body: bytes) -> None:
        self._transport.write(_head(status, False, len(body)) + body)


def _head(status: int, stream: bool, length: int) -> bytes:
    kind = "text/event-stream" if stream else "application/json"
    framing = "Transfer-Encoding: chunked" if stream else f"Content-Length: {length}"
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n".encode()


def _completion(text: str) -> dict[str, object]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": _USAGE}


def _events(text: str) -> list[bytes]:
    common = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    first = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    events = [{**common, "choices": [first]}, {**common, "choices": [last]}, {**common, "choices": [], "usage": _USAGE}]
    return [*(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events), b"data: [DONE]\n\n"]


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def main(port: int, name: str) -> None:
    Provider.name = name
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
