"""Requests, tokens and parallel requests of a minute: who may have one more place.

`LocalWindows` decides alone. `SharedWindows` asks the database, one round trip for all who wait: while one is
under way the next ones gather, so that a busy key costs no more round trips than an idle one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import Protocol

from gateway import clock
from gateway.accountant.account import Minute
from gateway.ledger.postgres import PostgresStore
from gateway.ledger.store import StoreError

_log = logging.getLogger("gateway.accountant")
_MINUTE_S = 60
_MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """What limits one key, team, user or deployment; None is no limit."""

    identity: str
    rpm: int | None = None
    tpm: int | None = None
    parallel: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """`refusal` is empty, `requests`, `tokens`, `parallel` or `unknown`; `left` is None without the limit."""

    refusal: str
    minute: int
    wait_s: int
    requests_left: int | None = None
    tokens_left: int | None = None


@dataclass(slots=True)
class _Back:
    identity: str
    minute: int
    requests: int
    tokens: int
    slots: int


class Windows(Protocol):
    """What both kinds do."""

    last: dict[str, Place]

    async def take(self, limits: Limits, tokens: int) -> Place:
        """One request with so many tokens, if the limits allow it."""
        ...

    def give_back(self, identity: str, minute: int, requests: int, tokens: int, slots: int) -> None:
        """Correct what was taken; negative tokens are more than were reserved."""
        ...

    def adopt(self, identity: str, slots: int) -> None:
        """Requests that are in flight and were let in by a predecessor of this process."""
        ...

    def hand_out(self, identity: str, minute: int, turns: int) -> bool:
        """Count requests before they come, if these windows can."""
        ...

    def handed_out(self, identity: str) -> bool:
        """Whether turns of this minute were handed out."""
        ...

    def hand_back(self, identity: str, turns: int) -> None:
        """Turns of this minute that were not used."""
        ...


class LocalWindows:
    """One gateway decides alone; minutes go by a clock that does not jump."""

    def __init__(self) -> None:
        self._minutes: defaultdict[str, Minute] = defaultdict(Minute)
        self.taken: defaultdict[str, int] = defaultdict(int)
        self.last: dict[str, Place] = {}
        self._handed: dict[str, int] = {}

    async def take(self, limits: Limits, tokens: int) -> Place:
        """Never waits."""
        return self.take_now(limits, tokens)

    def take_now(self, limits: Limits, tokens: int) -> Place:
        """One request with so many tokens, if the limits allow it."""
        now = clock.now()
        minute = self._minutes[limits.identity]
        minute.turn(int(now // _MINUTE_S))
        refusal = minute.refusal(limits.rpm, limits.tpm)
        if not refusal and limits.parallel is not None and self.taken[limits.identity] >= limits.parallel:
            refusal = "parallel"
        if not refusal:
            minute.requests += 1
            minute.tokens += tokens
            self.taken[limits.identity] += limits.parallel is not None
        place = self.last[limits.identity] = Place(
            refusal,
            minute.number,
            int(_MINUTE_S - now % _MINUTE_S) + 1,
            None if limits.rpm is None else max(limits.rpm - minute.requests, 0),
            None if limits.tpm is None else max(limits.tpm - minute.tokens, 0),
        )
        return place

    def give_back(self, identity: str, minute: int, requests: int, tokens: int, slots: int) -> None:
        """Correct what was taken."""
        self._minutes[identity].give_back(minute, requests, tokens)
        if slots:
            self.taken[identity] = max(self.taken[identity] - slots, 0)

    def adopt(self, identity: str, slots: int) -> None:
        """Requests that are in flight."""
        self.taken[identity] += slots

    def hand_out(self, identity: str, minute: int, turns: int) -> bool:
        """Always possible, in the minute that was just asked for."""
        self._minutes[identity].give_back(minute, -turns, 0)
        self._handed[identity] = minute
        return True

    def handed_out(self, identity: str) -> bool:
        """Whether turns of this minute were handed out."""
        return self._handed.get(identity) == int(clock.now() // _MINUTE_S)

    def hand_back(self, identity: str, turns: int) -> None:
        """Turns of this minute."""
        self._minutes[identity].give_back(int(clock.now() // _MINUTE_S), turns, 0)


class SharedWindows:
    """Several gateways on one database. Minutes go by the database's clock.

    While the database does not answer, each gateway goes on with its equal part of every limit, so that all
    together stay within it; the part is used until the minute in which the database answers again is over.
    In the minute in which it stopped answering nobody can know what the others let in, so nothing more is let
    in until that minute is over; also when the database is back before, for a crash may have cost it some counts.
    """

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self._local = LocalWindows()
        self._asking: list[tuple[Limits, int, asyncio.Future[Place]]] = []
        self._back: list[_Back] = []
        self._recount = True
        self._wake = asyncio.Event()
        self._alone_since = self._alone_until = -1
        self._failing = False
        self.gateways = 1
        self.taken = self._local.taken
        self.last: dict[str, Place] = {}

    async def take(self, limits: Limits, tokens: int) -> Place:
        """Waits for the database; without it the part of this gateway decides."""
        if self._alone:
            return self._by_part(limits, tokens)
        future: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        self._asking.append((limits, tokens, future))
        self._wake.set()
        return await future

    def give_back(self, identity: str, minute: int, requests: int, tokens: int, slots: int) -> None:
        """Correct what was taken, with the next round trip."""
        self._local.give_back(identity, minute, requests, tokens, slots)
        self._back.append(_Back(identity, minute, requests, tokens, slots))
        self._wake.set()

    def adopt(self, identity: str, slots: int) -> None:
        """Requests that are in flight; the database is told the whole number."""
        self._local.adopt(identity, slots)
        self._recount = True
        self._wake.set()

    def hand_out(self, identity: str, minute: int, turns: int) -> bool:  # noqa: ARG002
        """Not from a database that others count in: their share would be gone for the whole minute."""
        return False

    def handed_out(self, identity: str) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def hand_back(self, identity: str, turns: int) -> None:
        """There are none."""

    async def run(self) -> None:
        """Ask and give back until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            asking, self._asking = self._asking[:_MOST_AT_ONCE], self._asking[_MOST_AT_ONCE:]
            back, self._back = self._back[:_MOST_AT_ONCE], self._back[_MOST_AT_ONCE:]
            try:
                await self._round(asking, back)
            except StoreError as error:
                self._failed(asking, error)
                await asyncio.sleep(0.2)
            if self._asking or self._back or self._recount:
                self._wake.set()

    async def _round(self, asking: list[tuple[Limits, int, asyncio.Future[Place]]], back: list[_Back]) -> None:
        if self._recount:
            self._recount = False
            await self._store.set_slots({identity: n for identity, n in self.taken.items() if n})
            back = [_Back(b.identity, b.minute, b.requests, b.tokens, 0) for b in back]
        rows = await self._store.limits(
            [b.identity for b in back],
            [b.minute for b in back],
            [b.requests for b in back],
            [b.tokens for b in back],
            [b.slots for b in back],
            [limits.identity for limits, _, _ in asking],
            [limits.rpm for limits, _, _ in asking],
            [limits.tpm for limits, _, _ in asking],
            [limits.parallel for limits, _, _ in asking],
            [tokens for _, tokens, _ in asking],
        )
        for (limits, _, future), (_, refusal, minute, requests, tokens, wait) in zip(asking, rows, strict=True):
            if not refusal and limits.parallel is not None:
                self.taken[limits.identity] += 1
            place = self.last[limits.identity] = Place(refusal, minute, wait, requests, tokens)
            if not future.done():
                future.set_result(place)

    def _failed(self, asking: list[tuple[Limits, int, asyncio.Future[Place]]], error: StoreError) -> None:
        self.go_alone(str(error))
        for limits, tokens, future in asking:
            if not future.done():
                future.set_result(self._by_part(limits, tokens))

    def go_alone(self, why: str) -> None:
        """The database does not answer."""
        this_minute = int(clock.now() // _MINUTE_S)
        if not self._failing:
            _log.error("limits go by this gateway's part of 1/%d: %s", self.gateways, why)
            self._failing, self._alone_since = True, this_minute
        self._alone_until = this_minute
        self._recount = True

    def answered(self) -> None:
        """The database answers."""
        if self._failing:
            self._failing, self._alone_until = False, int(clock.now() // _MINUTE_S)

    @property
    def _alone(self) -> bool:
        return self._failing or int(clock.now() // _MINUTE_S) <= self._alone_until

    def _by_part(self, limits: Limits, tokens: int) -> Place:
        def part(limit: int | None) -> int | None:
            return None if limit is None else limit // self.gateways

        now = clock.now()
        if int(now // _MINUTE_S) == self._alone_since:
            return Place("unknown", self._alone_since, int(_MINUTE_S - now % _MINUTE_S) + 1)
        mine = Limits(limits.identity, part(limits.rpm), part(limits.tpm), part(limits.parallel))
        place = self.last[limits.identity] = self._local.take_now(mine, tokens)
        return place
