"""The side of a child: take the order from the master, end when told to or when the master is gone."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from gateway import clock
from gateway.errors import StartError
from gateway.priority import step_back
from gateway.process import log
from gateway.process.order import Order, read_order
from gateway.process.parent import die_with_parent, run_until_told


def main() -> int:
    """Entry of every child process."""
    die_with_parent()
    order = read_order(sys.stdin.buffer)
    log.set_up(order.slot)
    clock.adopt(order.clock_offset)
    run_until_told(partial(_role, order), _loop_factory(order.role))
    return 0


def _loop_factory(role: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if role == "exporter":
        # It has little to do and no use for uvloop's memory.
        return None
    import uvloop

    return uvloop.new_event_loop


def _role(order: Order, stop: asyncio.Event) -> Coroutine[Any, Any, None]:
    # Each role imports its own parts only: an exporter has no use for FastAPI's memory.
    if order.role == "accountant":
        from gateway.accountant import run as accountant

        return accountant.run(order.config, order.state, stop)
    if order.role == "exporter":
        from gateway.metrics import exporter

        step_back()
        return exporter.run(order.state, stop)
    from gateway.worker import run as worker

    if order.listener is None:
        raise StartError("a worker needs the listening socket")
    listener = socket.socket(fileno=order.listener)
    return worker.run(order.config, order.state, order.slot, listener, order.prices, stop)


if __name__ == "__main__":
    raise SystemExit(main())
