"""What one worker may let in by itself: a subtraction from what the accountant has lent it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from gateway.limits.keys import Pass
from gateway.limits.turns import Turns


@dataclass(slots=True)
class Lease:
    """Money this worker may still spend for a key, never below 0. `generation` changes when it is called back."""

    left: int = 0
    generation: int = 0


class Reservation:
    """One request that was let in. `generation` is -1 when the money is held for it alone.

    `tokens` were reserved in `minute`, when a limit of tokens per minute applies.
    """

    __slots__ = ("amount", "generation", "key", "minute", "slot", "tokens")

    def __init__(
        self, key: str, amount: int = 0, generation: int = -1, slot: bool = False, tokens: int = 0, minute: int = 0
    ) -> None:
        self.key = key
        self.amount = amount
        self.generation = generation
        self.slot = slot
        self.tokens = tokens
        self.minute = minute


class Leases:
    """Of one worker, and the reservations of what it let in."""

    def __init__(self) -> None:
        self.turns = Turns()
        self._leases: dict[str, Lease] = {}
        self._open: set[Reservation] = set()
        # What was left of limits when the accountant was asked last: (share, until when it says anything).
        self._headroom: dict[str, tuple[float, float]] = {}

    def enter(self, key: Pass, estimate: int) -> Reservation | None:
        """Let a request in without asking; None when the accountant must be asked."""
        lease = None
        if key.metered:
            lease = self._leases.get(key.hash)
            if lease is None or lease.left <= 0 or lease.left < estimate:
                return None
        if key.rated and not self.turns.take(key.hash):
            return None
        if lease is None:
            return Reservation(key.hash)
        lease.left -= estimate
        reservation = Reservation(key.hash, estimate, lease.generation)
        self._open.add(reservation)
        return reservation

    def granted(self, key_hash: str, amount: int, estimate: int) -> Reservation:
        """The accountant has lent more, and a request goes in with it."""
        lease = self._leases.setdefault(key_hash, Lease())
        lease.left += amount - estimate
        return self.opened(Reservation(key_hash, estimate, lease.generation))

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
        return self.opened(Reservation(reservation.key, amount, reservation.generation))

    def headroom(self, name: str) -> float:
        """The share of a key's (by its hash) or a deployment's rate limits that is left, 0 to 1, as far as known here."""
        known = self._headroom.get(name)
        return known[0] if known is not None and time.monotonic() < known[1] else 1.0

    def give_back(self, key_hash: str) -> list[int]:
        """End a key's leases; requests in flight keep what they reserved. Returns [money, turns] that were left."""
        turns = self.turns.give_back(key_hash)
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

    def note(self, name: str, share: float, seconds: float) -> None:
        """What is left of a key's or a deployment's limits, for so long."""
        self._headroom[name] = (share, time.monotonic() + seconds)

    def opened(self, reservation: Reservation) -> Reservation:
        """It is held until it is settled."""
        self._open.add(reservation)
        return reservation
