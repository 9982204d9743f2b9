"""Whether the other side can have read what was written to a connection that it has closed."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import sys
import termios


def closed_before_all_came(transport: asyncio.BaseTransport) -> bool:
    """Whether a connection was closed before all that was written had arrived: then no program there read it whole.

    A close acknowledges whatever came before it, so what is not acknowledged came later (SIOCOUTQ of tcp(7)); a reset
    that follows is the answer to bytes that met a closed socket. False where the system does not tell.
    """
    if sys.platform != "linux":
        return False
    end = transport.get_extra_info("socket")
    try:
        reset = end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        (waiting,) = struct.unpack("i", fcntl.ioctl(end.fileno(), termios.TIOCOUTQ, bytes(4)))
    except OSError:
        return False
    return bool(reset or waiting)
