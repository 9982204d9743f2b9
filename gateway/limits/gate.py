"""Letting requests in that a worker must ask the accountant about."""

from __future__ import annotations

import asyncio
import time

from gateway import wire
from gateway.errors import AccountantGoneError, ApiError
from gateway.limits.keys import Pass
from gateway.limits.leases import Leases, Reservation
from gateway.limits.link import AccountantLink


class Gate:
    """Lets requests of known keys in. Raises one ApiError per limit that refuses."""

    def __init__(self, link: AccountantLink) -> None:
        self._link = link
        self.leases = leases = Leases()
        # What needs nobody to be asked.
        self.enter, self.settle, self.part_of = leases.enter, leases.settle, leases.part_of
        self.headroom, self.give_back, self.held = leases.headroom, leases.give_back, leases.held
        # Keys that the accountant is asked about now.
        self._asking: dict[str, asyncio.Future[None]] = {}

    async def ask(self, key: Pass, estimate: int, tokens: int = 0) -> Reservation:
        """Ask the accountant. Raises ApiError 429 (a limit refuses) or 503 (nobody can tell).

        Of many requests that come at once, at the turn of a minute for example, one asks: what it gets is for many.
        """
        if key.counted_singly:
            return await self._ask(key, estimate, tokens)
        if (asking := self._asking.get(key.hash)) is not None:
            await asyncio.shield(asking)
            if (reservation := self.enter(key, estimate)) is not None:
                return reservation
            return await self._ask(key, estimate, tokens)
        asking = self._asking[key.hash] = asyncio.get_running_loop().create_future()
        try:
            return await self._ask(key, estimate, tokens)
        finally:
            del self._asking[key.hash]
            asking.set_result(None)

    async def _ask(self, key: Pass, estimate: int, tokens: int) -> Reservation:
        question = {"op": "reserve", "key": key.hash, "estimate": estimate, "tokens": tokens}
        asked_at = time.monotonic()
        try:
            answer = await self._link.ask(question)
        except AccountantGoneError as error:
            message = f"Limits cannot be checked at the moment: {error}"
            raise ApiError(503, "service_unavailable", message) from None
        if not answer["ok"]:
            raise _refusal(answer)
        if turns := answer.get("turns"):
            self.leases.turns.put(key.hash, turns, asked_at, answer["turns_for_s"])
        if (left := answer.get("headroom")) is not None:
            self.leases.note(key.hash, left, 60.0)
        if not answer["lease"]:
            minute = answer.get("minute", 0)
            return self.leases.opened(Reservation(key.hash, answer["amount"], -1, answer["slot"], tokens, minute))
        return self.leases.granted(key.hash, answer["amount"], estimate)

    async def claim(self, deployment: str) -> bool:
        """Whether a deployment's rpm and tpm still allow an attempt; counts it if so."""
        try:
            answer = await self._link.ask({"op": "claim", "deployment": deployment})
        except AccountantGoneError as error:
            raise ApiError(503, "service_unavailable", f"Limits cannot be checked: {error}") from None
        self.leases.note(deployment, answer["headroom"], answer["for_s"])
        return bool(answer["ok"])


def _refusal(answer: wire.Message) -> ApiError:
    wait = answer["retry_after"]
    headers = ((b"retry-after", b"%d" % wait),) if wait else ()
    status = {"invalid_api_key": 401, "service_unavailable": 503}.get(answer["kind"], 429)
    return ApiError(status, answer["kind"], answer["message"], headers=headers)
