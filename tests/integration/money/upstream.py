"""A provider that keeps its own bill: `python -m tests.integration.money.upstream PORT`.

The model's name says what it does: `cheap`, `dear` and `tiered` answer, `flaky` fails every third time, `dead`
always, `cut` stops in the middle of a stream until the client leaves, `slow` takes a moment. Every chunk of a
stream tells the usage so far, so that a stream cut anywhere has an exact bill. `GET /bill` answers the sums.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

# Nano-USD per million tokens: input, output. `tiered` costs twice as much above 1000 prompt tokens.
PRICES = {
    "cheap": (150_000_000, 600_000_000),
    "dear": (3_000_000_000, 15_000_000_000),
    "flaky": (1_250_000_000, 10_000_000_000),
    "cut": (2_500_000_000, 10_000_000_000),
    "tiered": (1_000_000_000, 4_000_000_000),
    "slow": (1_000_000_000, 1_000_000_000),
}


class Bill:
    def __init__(self) -> None:
        self.nano = 0
        self.answers = 0
        self.failures = 0
        self.calls = 0
        self.busy = 0
        self.most_busy = 0

    def add(self, model: str, prompt: int, completion: int) -> None:
        plain_in, plain_out = PRICES[model]
        double = 2 if model == "tiered" and prompt > 1000 else 1
        self.answers += 1
        self.nano += (prompt * plain_in * double + completion * plain_out * double + 500_000) // 1_000_000


class Server(asyncio.Protocol):
    """One connection."""

    def __init__(self, bill: Bill) -> None:
        self._bill = bill
        self._data = b""
        self._cut: asyncio.Event = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self._out = transport

    def connection_lost(self, _: object) -> None:
        self._cut.set()

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (head := self._data.find(b"\r\n\r\n")) >= 0:
            length = 0
            for line in self._data[:head].split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if len(self._data) < head + 4 + length:
                return
            path = self._data.split(b" ", 2)[1]
            body = self._data[head + 4 : head + 4 + length]
            self._data = self._data[head + 4 + length :]
            if path == b"/bill":
                self._whole(200, json.dumps(vars(self._bill)).encode())
            else:
                self._answer(json.loads(body))

    def _answer(self, body: dict[str, Any]) -> None:
        model, bill = body["model"], self._bill
        bill.calls += 1
        if model == "dead" or (model == "flaky" and bill.calls % 3 == 0):
            bill.failures += 1
            self._whole(500, b'{"error":{"message":"no"}}')
            return
        prompt, completion = body["messages"][0]["tokens"]
        if model == "slow":
            asyncio.get_running_loop().create_task(self._slowly(prompt, completion))
        elif body.get("stream"):
            self._stream(model, prompt, completion)
        else:
            bill.add(model, prompt, completion)
            self._whole(200, _completion(prompt, completion))

    async def _repeat(self, event: bytes) -> None:
        """Say the same usage again until nobody listens."""
        while not self._cut.is_set():
            self._out.write(_chunked(event))
            await asyncio.sleep(0.1)

    async def _slowly(self, prompt: int, completion: int) -> None:
        bill = self._bill
        bill.busy += 1
        bill.most_busy = max(bill.most_busy, bill.busy)
        await asyncio.sleep(0.2)
        bill.busy -= 1
        bill.add("slow", prompt, completion)
        self._whole(200, _completion(prompt, completion))

    def _stream(self, model: str, prompt: int, completion: int) -> None:
        sent = min(completion, 5)
        events = [b"data: %b\n\n" % _chunk(prompt, n + 1) for n in range(sent)]
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        if model == "cut":
            # The rest would come when the client had gone; it is never sent and never billed.
            self._bill.add(model, prompt, sent)
            self._out.write(head + _chunked(b"".join(events)))
            asyncio.get_running_loop().create_task(self._repeat(events[-1]))
            return
        self._bill.add(model, prompt, sent)
        self._out.write(head + _chunked(b"".join(events) + b"data: [DONE]\n\n") + b"0\r\n\r\n")

    def _whole(self, status: int, body: bytes) -> None:
        head = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self._out.write(head % (status, len(body)) + body)


def _usage(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _completion(prompt: int, completion: int) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "secret answer"}, "finish_reason": "stop"}
    answer = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return json.dumps({**answer, "usage": _usage(prompt, completion)}).encode()


def _chunk(prompt: int, completion: int) -> bytes:
    choice = {"index": 0, "delta": {"content": "secret answer"}, "finish_reason": None}
    event = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return json.dumps({**event, "usage": _usage(prompt, completion)}).encode()


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def main(port: int) -> None:
    bill = Bill()
    server = await asyncio.get_running_loop().create_server(lambda: Server(bill), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
