"""What the tasks of exchanges run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.api.exchange import Exchange

_log = logging.getLogger("gateway.worker")


async def answer_by(exchange: Exchange, way: Coroutine[Any, Any, None]) -> None:
    """Whatever happens, there is an answer."""
    try:
        await way
    except Exception:
        _log.exception("an answer failed")
    exchange.make_up()


async def whatever_is_left(then: asyncio.Future[Coroutine[Any, Any, None] | None]) -> None:
    """What is still to be done for an answer whose client has left, once that is known."""
    way = await then
    if way is not None:
        await way
