"""Whatever is taken, given back, handed out and called back in whatever order: no minute lets in more than its limit."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import clock
from gateway.accountant.desk import Desk
from gateway.accountant.windows import Limits, LocalWindows

STEPS = st.lists(
    st.tuples(st.sampled_from(["take", "cancel", "end", "lease", "use", "recall", "wait"]), st.integers(1, 40)),
    max_size=120,
)


class Minutes:
    """Plays steps against windows and counts what was really let in, per minute, and what is in flight."""

    def __init__(self, limits: Limits) -> None:
        self.now, self.limits, self.windows = 6000.0, limits, LocalWindows()
        self.let_in: dict[int, int] = {}
        self.flying: list[int] = []
        self.turns = 0

    def play(self, step: str, size: int) -> None:
        getattr(self, f"_{step}")(size)
        assert all(n <= (self.limits.rpm or 0) for n in self.let_in.values())
        assert len(self.flying) <= (self.limits.parallel or 0)

    def _take(self, size: int) -> None:
        place = self.windows.take_now(self.limits, size)
        if not place.refusal:
            self._came(place.minute)
            self.flying.append(place.minute)

    def _cancel(self, _: int) -> None:
        """It was let in and another limit refused it after all: it never came."""
        if self.flying:
            minute = self.flying.pop()
            self.let_in[minute] -= 1
            self.windows.give_back(self.limits.identity, minute, 1, 0, 1)

    def _end(self, _: int) -> None:
        if self.flying:
            self.windows.give_back(self.limits.identity, self.flying.pop(0), 0, 0, 1)

    def _lease(self, size: int) -> None:
        """As the desk does: an eighth of what is left, after a place was taken."""
        place = self.windows.take_now(self.limits, 0)
        if place.refusal:
            return
        self._came(place.minute)
        self.flying.append(place.minute)
        turns = min((place.requests_left or 0) // 8, size)
        if turns and self.windows.hand_out(self.limits.identity, place.minute, turns):
            self.turns += turns

    def _use(self, size: int) -> None:
        used = min(self.turns, size)
        self.turns -= used
        self.let_in[self._minute] = self.let_in.get(self._minute, 0) + used

    def _recall(self, _: int) -> None:
        self.windows.hand_back(self.limits.identity, self.turns)
        self.turns = 0

    def _wait(self, size: int) -> None:
        before = self._minute
        self.now += size
        if self._minute != before:
            # What a worker has not used lapses with its minute.
            self.turns = 0

    @property
    def _minute(self) -> int:
        return int(self.now // 60)

    def _came(self, minute: int) -> None:
        self.let_in[minute] = self.let_in.get(minute, 0) + 1


@given(st.integers(1, 60), st.integers(1, 20), STEPS)
def test_no_order_of_steps_lets_more_in_than_a_limit_allows(
    rpm: int, parallel: int, steps: list[tuple[str, int]]
) -> None:
    minutes = Minutes(Limits("key:x", rpm=rpm, parallel=parallel))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: minutes.now)
        for step, size in steps:
            minutes.play(step, size)


@pytest.mark.parametrize("passes", [0.0, 1.0])
def test_turns_that_come_back_in_another_minute_open_nothing(monkeypatch: pytest.MonkeyPatch, passes: float) -> None:
    """`passes` seconds go by between the recall, 0.5 s before a minute ends, and its answers: ten come in then."""
    now = 6059.5
    monkeypatch.setattr(clock, "now", lambda: now)
    windows, limits = LocalWindows(), Limits("key:x", rpm=100)
    windows.take_now(limits, 0)
    windows.hand_out("key:x", 100, 40)
    windows.give_back("key:x", 100, 1, 0, 0)

    class Sessions:
        async def push(self, *_: Any) -> list[tuple[str, dict[str, list[int]]]]:
            nonlocal now
            now += passes
            for _ in range(10):
                windows.take_now(limits, 0)
            return [("w0", {"hash": [0, 40]})]

    key = SimpleNamespace(limited=[("key:x", None)])
    books = SimpleNamespace(find=lambda _: key)
    holdings = SimpleNamespace(give_back=lambda *_: None)
    config = SimpleNamespace(workers=1, models=())
    desk = Desk(config, books, holdings, windows, None, Sessions(), None)  # type: ignore[arg-type]
    asyncio.run(desk.call_back({"push": "recall"}))
    assert sum(not windows.take_now(limits, 0).refusal for _ in range(200)) == 90
