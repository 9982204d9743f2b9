"""Frames between the gateway's processes: 4 bytes of length, then JSON."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import orjson

_LENGTH = struct.Struct(">I")
_LONGEST = 64 << 20

Message = dict[str, Any]


def pack(message: Message) -> bytes:
    """One frame."""
    body = orjson.dumps(message)
    return _LENGTH.pack(len(body)) + body


async def read(reader: asyncio.StreamReader) -> Message | None:
    """The next message, or None at the end of the stream (also when it breaks off)."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > _LONGEST:
            return None
        message: Message = orjson.loads(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return message
