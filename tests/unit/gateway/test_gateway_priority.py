"""Turns of long work: short, one thread at a time, with pauses in which the core is nobody's."""

from __future__ import annotations

import threading
import time

import pytest

from gateway import priority
from gateway.priority import Turns


class Clock:
    """Time passes where somebody sleeps, or is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_a_turn_ends_with_its_time(clock: Clock) -> None:
    turns = Turns()
    turns.wait()
    pauses = []
    for passed in (0.0, 0.0001, 0.0001, 0.0002, 0.0002, 0.01, 0.0):
        clock.now += passed
        turns.between(0.0)
        pauses.append(len(clock.slept))
    assert pauses == [0, 0, 0, 1, 1, 2, 2]
    assert set(clock.slept) == {priority._PAUSE_S}
    turns.end()


def test_while_one_has_its_turn_nobody_else_begins(clock: Clock) -> None:
    turns = Turns()
    assert turns.begin()
    begun: list[bool] = []
    other = threading.Thread(target=lambda: begun.append(turns.begin()))
    other.start()
    other.join()
    assert begun == [False]
    turns.end()


def test_after_a_turn_the_core_is_left_alone(clock: Clock) -> None:
    turns = Turns()
    assert turns.begin()
    clock.now += 0.0003
    assert turns.over
    turns.end()
    assert not turns.begin()
    clock.now += priority._APART_S / 2
    assert not turns.begin()
    turns.wait()
    assert clock.slept == [pytest.approx(priority._APART_S / 2)]
    turns.end()


def test_a_pause_between_turns_is_long_enough_for_somebody_else(clock: Clock) -> None:
    """The one whose turn was over waits on for the turn that began in its pause, and for the time after it."""
    turns = Turns()
    turns.wait()
    taken: list[bool] = []

    def sleep(seconds: float) -> None:
        clock.now += seconds
        if not taken:
            taken.append(turns.begin())
            turns.end()

    clock.now += 0.0004
    time.sleep = sleep  # type: ignore[assignment] - the fixture puts it back
    before = clock.now
    turns.between(0.0)
    assert taken == [True]
    assert clock.now - before >= priority._PAUSE_S + priority._APART_S - 1e-9
    turns.end()


def test_work_that_has_time_is_spread(clock: Clock) -> None:
    turns = Turns()
    turns.wait()
    clock.now += 0.0003
    turns.between(clock.now + 0.003)
    assert clock.slept == [pytest.approx(0.003)]
    clock.now += 0.0003
    turns.between(clock.now + 10.0)
    assert clock.slept[1:] == [priority._LONGEST_PAUSE_S]
    turns.end()


def test_who_is_pressed_makes_shorter_pauses_or_none(clock: Clock) -> None:
    turns = Turns()
    turns.wait()
    for pressure in (0.5, 1.0):
        turns.pressure = pressure
        clock.now += 0.0003
        turns.between(0.0)
    assert clock.slept[0] == pytest.approx(priority._PAUSE_S / 2)
    assert clock.slept[1:] == [0.0]
    turns.end()


def test_who_waits_for_a_turn_is_told_how_long(clock: Clock) -> None:
    turns = Turns()
    assert turns.wait_s <= 0
    assert turns.begin()
    assert turns.wait_s == pytest.approx(priority._TURN_S + priority._APART_S)
    clock.now += 0.0001
    turns.end()
    assert turns.wait_s == pytest.approx(priority._APART_S)
