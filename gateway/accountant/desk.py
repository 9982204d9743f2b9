"""What the accountant answers to workers."""

from __future__ import annotations

import time
from typing import Any

from gateway.accountant.books import Books
from gateway.accountant.holdings import Holdings
from gateway.accountant.intake import Intake
from gateway.accountant.records import Key
from gateway.accountant.sessions import Sessions


class Desk:
    """Look-ups, reservations and minutes of deployments."""

    def __init__(self, books: Books, holdings: Holdings, intake: Intake, sessions: Sessions) -> None:
        self._books = books
        self._holdings = holdings
        self._intake = intake
        self._sessions = sessions

    def look_up(self, key_hash: str) -> dict[str, Any]:
        """The pass of a key, or None when there is no such key."""
        key = self._books.keys.get(key_hash)
        return {"pass": key.pass_for_workers() if key else None}

    async def reserve(self, session: str, key_hash: str, estimate: int) -> dict[str, Any]:
        """Let one request of a key in, or say which limit refuses it."""
        key = self._books.keys.get(key_hash)
        if key is None:
            return {
                "ok": False,
                "kind": "invalid_api_key",
                "message": "This key was deleted",
                "retry_after": 0,
            }
        if key.record.tpm_limit is not None:
            self._intake.drain()
        if self._holdings.refusal(key, time.time()) is not None:
            await self._gather(key)
        refusal = self._holdings.refusal(key, time.time())
        return refusal if refusal is not None else self._holdings.grant(session, key, estimate)

    def claim(self, deployment: str) -> dict[str, Any]:
        """Count one attempt in a deployment's minute, if its limits still allow one."""
        minute = self._books.minutes.get(deployment)
        now = time.time()
        if minute is None:
            return {"ok": True}
        if minute.tpm is not None:
            self._intake.drain()
        if minute.refusal(now):
            return {"ok": False, "retry_after": int(60 - now % 60) + 1}
        minute.requests += 1
        return {"ok": True}

    def take_back(self, returned: list[tuple[str, dict[str, list[int]]]]) -> None:
        """Leases that workers gave back."""
        for session, leases in returned:
            for key_hash, (money, turns) in leases.items():
                self._holdings.give_back(session, key_hash, money)
                if turns and (key := self._books.keys.get(key_hash)) is not None:
                    key.minute.give_back(turns, time.time())

    def _lessees(self, key: Key) -> set[str] | None:
        # Who holds turns is not kept: any worker may.
        return None if key.record.rpm_limit is not None else self._holdings.lessees(key)

    async def _gather(self, key: Key) -> None:
        """Before a refusal: count what was answered meanwhile and call unused leases back."""
        self._intake.drain()
        if self._holdings.refusal(key, time.time()) is None:
            return
        peers = self._books.keys_of(key.team) if key.team else [key]
        message = {"push": "recall", "keys": [peer.record.hash for peer in peers]}
        self.take_back(await self._sessions.push(message, self._lessees(key)))
        self._intake.drain()
