"""A count that several gateways share goes on without its database, and never lets more in than all may together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gateway import clock
from gateway.accountant.windows import Limits, SharedWindows
from gateway.ledger.store import StoreError

HUNDRED = Limits("key:k", 100, None, None)


class Database:
    """Counts a minute as the real one does, while it is there."""

    def __init__(self) -> None:
        self.there, self.used = True, 0

    async def set_slots(self, _: dict[str, int]) -> None:
        self._answer()

    async def limits(self, *columns: Sequence[Any]) -> list[Any]:
        self._answer()
        rows = []
        for place, limit in enumerate(columns[6]):
            refused = self.used >= limit
            self.used += not refused
            rows.append((place, "requests" if refused else "", int(clock.now() // 60), limit - self.used, None, 1))
        return rows

    def _answer(self) -> None:
        if not self.there:
            raise StoreError("away")


class World:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 6000.0
        monkeypatch.setattr(clock, "now", lambda: self.now)
        self.database = Database()
        self.windows = SharedWindows(self.database)  # type: ignore[arg-type]
        self.windows.gateways = 2

    async def let_in(self, count: int = 200) -> tuple[int, set[str]]:
        """How many of so many requests come in, and why the others do not."""
        places = [await self.windows.take(HUNDRED, 0) for _ in range(count)]
        return sum(not p.refusal for p in places), {p.refusal for p in places if p.refusal}

    def look(self) -> None:
        """What the accountant does twice a second."""
        if self.database.there:
            self.windows.answered()
        else:
            self.windows.go_alone("away")

    def play(self, story: Any) -> None:
        async def run() -> None:
            asking = asyncio.create_task(self.windows.run())
            try:
                await story()
            finally:
                asking.cancel()

        asyncio.run(run())


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_an_outage_of_minutes_costs_its_first_minute_and_then_half(world: World) -> None:
    async def story() -> None:
        assert await world.let_in(20) == (20, set())
        world.database.there = False
        world.look()
        assert await world.let_in() == (0, {"unknown"})
        for _ in range(3):
            world.now += 60
            # However often anybody looks, it is the same outage.
            world.look()
            assert await world.let_in() == (50, {"requests"})
            world.look()
        world.now += 60
        assert await world.let_in() == (50, {"requests"})
        world.database.there = True
        world.look()
        # The part that was let in is not in the database.
        assert await world.let_in() == (0, {"requests"})
        world.now += 60
        world.database.used = 0
        assert await world.let_in() == (100, {"requests"})

    world.play(story)


def test_after_a_short_outage_the_minute_stays_closed_and_the_next_one_is_whole(world: World) -> None:
    async def story() -> None:
        assert await world.let_in(20) == (20, set())
        world.database.there = False
        assert await world.let_in(5) == (0, {"unknown"})
        world.database.there = True
        world.look()
        assert await world.let_in() == (0, {"unknown"})
        world.now += 60
        world.database.used = 0
        assert await world.let_in() == (100, {"requests"})

    world.play(story)
