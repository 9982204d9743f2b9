"""Writes of one turn of the event loop, sent one right after the other.

What costs most of a small write is waking whoever waits for it. Writes that follow each other closely find most of
their readers awake already (docs/decisions/162).
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Final, Protocol

from gateway.busy_poll import BusyPoll

_log: Final = logging.getLogger("gateway.worker")


def socket_of(transport: asyncio.BaseTransport) -> int:
    """The number of a transport's socket for `put`; -1 when only the transport itself may write to it."""
    if transport.get_extra_info("ssl_object") is not None or (found := transport.get_extra_info("socket")) is None:
        return -1
    return int(found.fileno())


def put(transport: asyncio.WriteTransport, number: int, data: bytes) -> None:
    """Write to a transport that is not closing. By the shortest way if nothing waits there: the system takes nearly
    every write whole, and the loop's way to it is as long as ten of Python's calls.
    """
    if number < 0 or transport.get_write_buffer_size():
        transport.write(data)
        return
    try:
        sent = os.write(number, data)
    except OSError:
        # It would have to wait, or the connection is broken: the transport finds that out and tells its protocol.
        sent = 0
    if sent < len(data):
        transport.write(data[sent:])


class Sender(Protocol):
    """A connection with something to send."""

    def send_out(self) -> None:
        """Send it, if the connection is still there."""
        ...


class Outbox:
    """Of one event loop. While a single request is under way there is nothing to gather: its writes go out at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, busy_poll_s: float = 0.0) -> None:
        """`busy_poll_s`: how long the loop may look for what comes next of a single request before it sleeps."""
        self._loop = loop
        self._poll = BusyPoll(loop, busy_poll_s)
        self._waiting: list[Sender] = []
        # Requests of clients that are under way.
        self.requests = 0
        # Counts the times that something is sent.
        self.turn = 0

    def add(self, sender: Sender) -> None:
        """Have it send now, or before the loop looks for events again."""
        if self.requests < 2:
            self.turn += 1
            sender.send_out()
            self._poll.sent()
            return
        if not self._waiting:
            self._loop.call_soon(self._send)
        self._waiting.append(sender)

    def _send(self) -> None:
        self.turn += 1
        waiting, self._waiting = self._waiting, []
        for sender in waiting:
            try:
                sender.send_out()
            except Exception:
                # The others' writes must not be lost with this one.
                _log.exception("a write failed")
