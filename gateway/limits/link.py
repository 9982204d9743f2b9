"""A worker's connection to the accountant: questions, answers, pushes, and coming back after a loss."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from gateway import wire
from gateway.errors import AccountantGoneError, ApiError

_log = logging.getLogger("gateway.worker")
_RETRY_EVERY_S = 0.05


class AccountantLink:
    """One connection per worker.

    `greeting` is called at every (re)connection and says what this worker holds; `pushed` handles a push
    and returns the leases it gives back; `lost` is called when the connection broke.
    """

    def __init__(self, socket: Path, patience_s: float = 5.0) -> None:
        self._socket = socket
        self._patience_s = patience_s
        self._writer: asyncio.StreamWriter | None = None
        self._connected = asyncio.Event()
        self._answers: dict[int, asyncio.Future[wire.Message]] = {}
        self._number = 0
        self.greeting: Callable[[], wire.Message] = dict
        self.pushed: Callable[[wire.Message], dict[str, list[int]]] = lambda _: {}
        self.lost: Callable[[], None] = lambda: None

    @property
    def up(self) -> bool:
        """Whether the accountant has answered the greeting and not gone since."""
        return self._connected.is_set()

    async def ask(self, message: wire.Message) -> wire.Message:
        """Ask and wait. Raises AccountantGoneError after the patience is over, ApiError when it refuses."""
        try:
            async with asyncio.timeout(self._patience_s):
                answer = await self._ask_until_answered(message)
        except TimeoutError:
            raise AccountantGoneError("the accountant does not answer") from None
        if (error := answer.get("error")) is not None:
            raise ApiError(error["status"], error["kind"], error["message"])
        return answer

    async def _ask_until_answered(self, message: wire.Message) -> wire.Message:
        while True:
            await self._connected.wait()
            try:
                return await self._send(message)
            except AccountantGoneError:
                # What it promised died with it, so a question may be asked again; an order may not.
                if message["op"] == "admin":
                    raise

    async def keep(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                reader, self._writer = await asyncio.open_unix_connection(self._socket)
            except OSError:
                await asyncio.sleep(_RETRY_EVERY_S)
                continue
            hello = asyncio.create_task(self._greet())
            await self._listen(reader)
            hello.cancel()
            with contextlib.suppress(asyncio.CancelledError, AccountantGoneError):
                await hello
            self._drop()
            await asyncio.sleep(_RETRY_EVERY_S)

    async def _greet(self) -> None:
        await self._send(self.greeting())
        self._connected.set()

    async def _send(self, message: wire.Message) -> wire.Message:
        if self._writer is None:
            raise AccountantGoneError("the accountant is restarting")
        self._number += 1
        number = self._number
        future = self._answers[number] = asyncio.get_running_loop().create_future()
        self._writer.write(wire.pack({**message, "id": number}))
        try:
            answer: wire.Message = await future
        finally:
            self._answers.pop(number, None)
        return answer

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while (message := await wire.read(reader)) is not None:
            if "push" in message:
                self._acknowledge(message)
                continue
            future = self._answers.get(message["id"])
            if future is not None and not future.done():
                future.set_result(message)

    def _acknowledge(self, message: wire.Message) -> None:
        returned = self.pushed(message)
        if self._writer is not None:
            self._writer.write(wire.pack({"ack": message["number"], "returned": returned}))

    def _drop(self) -> None:
        _log.warning("connection to the accountant lost")
        self._connected.clear()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for future in self._answers.values():
            if not future.done():
                future.set_exception(AccountantGoneError("the accountant went away"))
        self.lost()
