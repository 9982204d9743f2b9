"""A worker looks for the next event only while events have followed each other fast, and never for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

import pytest

from gateway.busy_poll import BusyPoll

LIMIT = 0.0002


class Loop:
    """What is called soon is called by `turn`, a microsecond later."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self._soon: list[Callable[[], Any]] = []
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def call_soon(self, call: Callable[[], Any]) -> None:
        self._soon.append(call)

    def turn(self) -> bool:
        """Whether the loop had something to call; without it, it sleeps."""
        soon, self._soon = self._soon, []
        self.now += 1e-6
        for call in soon:
            call()
        return bool(soon)

    def turns_until_it_sleeps(self) -> int:
        count = 0
        while self.turn():
            count += 1
        return count


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    return Loop(monkeypatch)


def poll_of(loop: Loop, limit_s: float = LIMIT) -> BusyPoll:
    return BusyPoll(cast(asyncio.AbstractEventLoop, loop), limit_s)


def exchange(loop: Loop, poll: BusyPoll, every_s: float, times: int) -> None:
    for _ in range(times):
        loop.now += every_s
        poll.sent()


def test_slow_answers_are_slept_for(loop: Loop) -> None:
    poll = poll_of(loop)
    exchange(loop, poll, every_s=0.002, times=50)
    assert loop.turns_until_it_sleeps() == 0


def test_a_few_quick_ones_are_an_accident(loop: Loop) -> None:
    poll = poll_of(loop)
    exchange(loop, poll, every_s=0.0001, times=3)
    assert loop.turns_until_it_sleeps() == 0
    exchange(loop, poll, every_s=0.002, times=1)
    exchange(loop, poll, every_s=0.0001, times=3)
    assert loop.turns_until_it_sleeps() == 0


def test_after_quick_answers_it_looks_until_the_limit_and_not_again_before_more_of_them(loop: Loop) -> None:
    poll = poll_of(loop)
    exchange(loop, poll, every_s=0.0001, times=6)
    assert loop.turns_until_it_sleeps() == pytest.approx(LIMIT / 1e-6, abs=3)
    exchange(loop, poll, every_s=0.0001, times=3)
    assert loop.turns_until_it_sleeps() == 0
    exchange(loop, poll, every_s=0.0001, times=1)
    assert loop.turns_until_it_sleeps() > 100


def test_what_is_sent_meanwhile_makes_it_look_on(loop: Loop) -> None:
    poll = poll_of(loop)
    exchange(loop, poll, every_s=0.0001, times=6)
    for _ in range(20):
        for _ in range(100):
            assert loop.turn()
        poll.sent()
    assert loop.turns_until_it_sleeps() == pytest.approx(LIMIT / 1e-6, abs=3)


def test_nothing_is_looked_for_where_it_is_turned_off(loop: Loop) -> None:
    poll = poll_of(loop, 0.0)
    exchange(loop, poll, every_s=0.00001, times=50)
    assert loop.turns_until_it_sleeps() == 0
