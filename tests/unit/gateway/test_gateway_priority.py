"""Long work gives the core away once its turn is over, and not before."""

from __future__ import annotations

import os
import time

import pytest

from gateway import priority


def test_a_turn_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, given_away = [100.0], [0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(os, "sched_yield", lambda: given_away.__setitem__(0, given_away[0] + 1))
    turns = priority.Turns()
    seen = []
    for passed in (0.0, 0.0003, 0.0003, 0.0003, 0.0003, 0.01, 0.0):
        now[0] += passed
        turns.between()
        seen.append(given_away[0])
    assert seen == [0, 0, 1, 1, 2, 3, 3]
