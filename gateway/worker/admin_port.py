"""The admin API on a port of its own: one worker serves it, on an address that the public need not reach."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket

_log = logging.getLogger("gateway.worker")
_AGAIN_AFTER_S = 0.2
SERVED_BY = "w0"


async def bound(host: str, port: int) -> socket.socket:
    """A listener. While somebody else has the port (a worker that is being replaced, too) it is tried again."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    told = False
    while True:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE and not told:
                _log.error("the admin API cannot listen on %s:%d: %s", host, port, error.strerror)
            elif not told:
                _log.warning("the admin API waits for %s:%d, which is in use", host, port)
            told = True
            await asyncio.sleep(_AGAIN_AFTER_S)
            continue
        listener.listen(128)
        return listener
