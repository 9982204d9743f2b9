"""The process that counts tokens: it answers frames on the socket it was given, and ends when nobody asks.

A frame is `{"texts": [[text, ...], ...]}`, its answer `{"tokens": [number, ...]}`: one for each list of texts.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from functools import partial

from gateway import wire
from gateway.counting import encoding
from gateway.priority import step_back
from gateway.process import log
from gateway.process.parent import die_with_parent, run_until_told

# To start takes a tenth of a second of the core, which is dear where requests want it: not once per minute.
IDLE_S = 600.0
# Whoever connects has its question ready; more patience would let one stopped worker hold a place.
_READ_WITHIN_S = 5.0


def main() -> int:
    """`python -m gateway.counting.counter FD NAME`, started by the master."""
    die_with_parent()
    step_back()
    log.set_up(sys.argv[2])
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        run_until_told(partial(run, listener))
    return 0


async def run(listener: socket.socket, stop: asyncio.Event, idle_s: float = IDLE_S) -> None:
    """Answer until `stop`, or until nobody has asked for `idle_s`."""
    encoding.load()
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    stopped = asyncio.create_task(stop.wait())
    asked: set[asyncio.Task[None]] = set()
    while True:
        accepting = asyncio.ensure_future(loop.sock_accept(listener))
        await asyncio.wait((accepting, stopped), timeout=idle_s, return_when=asyncio.FIRST_COMPLETED)
        if not accepting.done():
            accepting.cancel()
            break
        task = asyncio.create_task(_serve(accepting.result()[0]))
        asked.add(task)
        task.add_done_callback(asked.discard)
    stopped.cancel()
    if asked:
        await asyncio.wait(asked)


async def _serve(connection: socket.socket) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(_READ_WITHIN_S):
            question = await wire.read(reader)
        if question is not None:
            counts = [sum(map(encoding.of_text, texts)) for texts in question["texts"]]
            writer.write(wire.pack({"tokens": counts}))
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    raise SystemExit(main())
