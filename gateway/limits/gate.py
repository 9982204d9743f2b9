"""Reservations of one worker. The hot path is a subtraction; a short lease asks the accountant."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from gateway import wire
from gateway.errors import AccountantGoneError, ApiError
from gateway.limits.link import AccountantLink
from gateway.limits.passes import Pass
from gateway.limits.turns import Turns


@dataclass(slots=True)
class Lease:
    """Money this worker may still spend for a key, never below 0. `generation` changes when it is called back."""

    left: int = 0
    generation: int = 0


@dataclass(slots=True, eq=False)
class Reservation:
    """One request that was let in. `generation` is -1 when the money is held for it alone.

    `tokens` were reserved in `minute`, when a limit of tokens per minute applies.
    """

    key: str
    amount: int = 0
    generation: int = -1
    slot: bool = False
    tokens: int = 0
    minute: int = 0


class Gate:
    """Lets requests of known keys in. Raises one ApiError per limit that refuses."""

    def __init__(self, link: AccountantLink) -> None:
        self._link = link
        self._leases: dict[str, Lease] = {}
        self._open: set[Reservation] = set()
        self._turns = Turns()
        # Keys that the accountant is asked about now.
        self._asking: dict[str, asyncio.Future[None]] = {}
        # What was left of limits when the accountant was asked last: (share, until when it says anything).
        self._headroom: dict[str, tuple[float, float]] = {}

    def enter(self, key: Pass, estimate: int) -> Reservation | None:
        """Let a request in without asking; None when the accountant must be asked."""
        lease = None
        if key.metered:
            lease = self._leases.get(key.hash)
            if lease is None or lease.left <= 0 or lease.left < estimate:
                return None
        if key.rated and not self._turns.take(key.hash):
            return None
        if lease is None:
            return Reservation(key.hash)
        lease.left -= estimate
        reservation = Reservation(key.hash, estimate, lease.generation)
        self._open.add(reservation)
        return reservation

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
            self._turns.put(key.hash, turns, asked_at, answer["turns_for_s"])
        if (left := answer.get("headroom")) is not None:
            self._note(key.hash, left, 60.0)
        if not answer["lease"]:
            minute = answer.get("minute", 0)
            return self._opened(Reservation(key.hash, answer["amount"], -1, answer["slot"], tokens, minute))
        lease = self._leases.setdefault(key.hash, Lease())
        lease.left += answer["amount"] - estimate
        return self._opened(Reservation(key.hash, estimate, lease.generation))

    def settle(self, reservation: Reservation, cost: int) -> int:
        """The request ended. Returns what its row releases of the money held by the accountant."""
        self._open.discard(reservation)
        if reservation.generation < 0:
            return reservation.amount
        lease = self._leases[reservation.key]
        if lease.generation != reservation.generation:
            return reservation.amount
        left = lease.left + reservation.amount - cost
        if left >= 0:
            lease.left = left
            return cost
        # What the lease cannot pay for stays held: the accountant, who charges the cost, must not see it as free.
        lease.left = 0
        return cost + left

    def part_of(self, reservation: Reservation, amount: int) -> Reservation:
        """A part of a reservation, for a request made on behalf of another one; each is settled by itself."""
        amount = min(amount, reservation.amount)
        reservation.amount -= amount
        return self._opened(Reservation(reservation.key, amount, reservation.generation))

    async def claim(self, deployment: str) -> bool:
        """Whether a deployment's rpm and tpm still allow an attempt; counts it if so."""
        try:
            answer = await self._link.ask({"op": "claim", "deployment": deployment})
        except AccountantGoneError as error:
            raise ApiError(503, "service_unavailable", f"Limits cannot be checked: {error}") from None
        self._note(deployment, answer["headroom"], answer["for_s"])
        return bool(answer["ok"])

    def headroom(self, name: str) -> float:
        """The share of a key's (by its hash) or a deployment's rate limits that is left, 0 to 1, as far as known here."""
        known = self._headroom.get(name)
        return known[0] if known is not None and time.monotonic() < known[1] else 1.0

    def give_back(self, key_hash: str) -> list[int]:
        """End a key's leases; requests in flight keep what they reserved. Returns [money, turns] that were left."""
        turns = self._turns.give_back(key_hash)
        lease = self._leases.get(key_hash)
        if lease is None:
            return [0, turns]
        left, lease.left = lease.left, 0
        lease.generation += 1
        return [left, turns]

    def held(self) -> dict[str, list[int]]:
        """Everything the accountant holds for this worker: [money, parallel requests] by key."""
        held = {key: [lease.left, 0] for key, lease in self._leases.items()}
        for reservation in self._open:
            entry = held.setdefault(reservation.key, [0, 0])
            entry[0] += reservation.amount
            entry[1] += int(reservation.slot)
        return held

    def _note(self, name: str, share: float, seconds: float) -> None:
        self._headroom[name] = (share, time.monotonic() + seconds)

    def _opened(self, reservation: Reservation) -> Reservation:
        self._open.add(reservation)
        return reservation


def _refusal(answer: wire.Message) -> ApiError:
    wait = answer["retry_after"]
    headers = ((b"retry-after", b"%d" % wait),) if wait else ()
    status = {"invalid_api_key": 401, "service_unavailable": 503}.get(answer["kind"], 429)
    return ApiError(status, answer["kind"], answer["message"], headers=headers)
