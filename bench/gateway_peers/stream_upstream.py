"""A chat stream of 22 writes, 2 ms apart: 20 tokens, usage, `[DONE]`. Each write is its own TCP segment. Plain and by TLS."""

from __future__ import annotations

import asyncio
import ssl
import sys

import uvloop

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_TOKEN = (
    b'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"fake-model-2026","choices":[{"index":0,'
    b'"delta":{"content":"word "},"finish_reason":null}]}\n\n'
)
_USAGE = (
    b'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"fake-model-2026","choices":[],'
    b'"usage":{"prompt_tokens":90,"completion_tokens":20,"total_tokens":110}}\n\n'
)
_EVENTS = [b"%x\r\n%b\r\n" % (len(e), e) for e in (*[_TOKEN] * 20, _USAGE, b"data: [DONE]\n\n")]
_PAUSE_S = 0.002


class Paced(asyncio.Protocol):
    """One connection; any request gets the stream."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._number = 0

    def data_received(self, data: bytes) -> None:
        # Bodies are small enough to come with their head or right after it.
        if b"POST " in data[:5]:
            self._number = 0
            self._transport.write(_HEAD)  # type: ignore[attr-defined]
            self._next()

    def _next(self) -> None:
        if self._transport.is_closing():
            return
        last = self._number == len(_EVENTS) - 1
        self._transport.write(_EVENTS[self._number] + (b"0\r\n\r\n" if last else b""))  # type: ignore[attr-defined]
        self._number += 1
        if not last:
            asyncio.get_running_loop().call_later(_PAUSE_S, self._next)


async def main(port: int, tls_port: int, certificate: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    loop = asyncio.get_running_loop()
    await loop.create_server(Paced, "127.0.0.1", port)
    await loop.create_server(Paced, "127.0.0.1", tls_port, ssl=context)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
