"""Who answers workers while the database cannot be reached: nothing is admitted, and everybody is told why."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from pathlib import Path

from gateway import wire

_log = logging.getLogger("gateway.accountant")
_REPEAT_S = 60.0


class Lobby:
    """The accountant's socket until the books are open. As a context it closes every connection at its end.

    `database` is where it is, for the log alone. Workers come back by themselves and then meet the accountant. Nothing that they hold or have written is touched.
    """

    def __init__(self, socket: Path, database: str) -> None:
        self._socket = socket
        self._database = database
        self._writers: set[asyncio.StreamWriter] = set()
        self._began = time.monotonic()
        self._logged = -_REPEAT_S
        self._reason = ""

    async def __aenter__(self) -> Lobby:
        self._socket.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._connected, path=self._socket)
        self._socket.chmod(0o600)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()

    def waits(self, reason: str) -> None:
        """The database could not be used this time either. Logged when it is news, and once a minute."""
        now = time.monotonic()
        if reason != self._reason or now - self._logged >= _REPEAT_S:
            waited = now - self._began
            _log.error("not ready for %.0f s: %s (%s); trying again every second", waited, reason, self._database)
            self._logged = now
        self._reason = reason

    def over(self) -> None:
        """The books are open."""
        if self._reason:
            _log.info("the database answers after %.0f s; requests are let in", time.monotonic() - self._began)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while (message := await wire.read(reader)) is not None:
                if "id" in message:
                    writer.write(wire.pack({"id": message["id"], **self._answer(message["op"])}))
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _answer(self, operation: str) -> wire.Message:
        if operation == "hello":
            return {"ok": True}
        text = f"not ready: {self._reason or 'the database is being opened'}"
        return {"error": {"status": 503, "kind": "service_unavailable", "message": text}}
