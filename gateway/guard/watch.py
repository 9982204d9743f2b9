"""The memory of one worker's guard: bounded, forgetful, cheap."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from gateway.guard.fingerprint import fingerprints
from gateway.guard.policy import GuardPolicy

_MOST_KEYS = 4096
_MOST_PER_KEY = 32
_NEW = (0, 0)


class Reason(StrEnum):
    """Why a request counts as part of a loop."""

    REPEATS = "repeats"
    GROWTH = "growth"


class _Memory:
    """What is remembered of one key, the latest few of each: times per subject, and per conversation the size of its
    last request and how many have grown in a row. Plain values: a request of a new subject makes no object but a list.
    """

    __slots__ = ("conversations", "subjects")

    def __init__(self) -> None:
        self.subjects: dict[int, list[float]] = {}
        self.conversations: dict[int, tuple[int, int]] = {}


class Watch:
    """Looks at each request of one worker once."""

    def __init__(self, policy: GuardPolicy) -> None:
        self._policy = policy
        self._keys: OrderedDict[str, _Memory] = OrderedDict()

    def examine(self, key: str, body: Mapping[str, Any], size: int, now: float) -> Reason | None:
        """Why this request is part of a loop, or None. `size` is the request's in bytes, `now` a monotonic second."""
        memory = self._keys.get(key)
        if memory is None:
            memory = self._keys[key] = _Memory()
            if len(self._keys) > _MOST_KEYS:
                self._keys.popitem(last=False)
        else:
            self._keys.move_to_end(key)
        subject, conversation = fingerprints(body)
        grows = self._grows(memory.conversations, conversation, size)
        if self._repeats(memory.subjects, subject, now):
            return Reason.REPEATS
        return Reason.GROWTH if grows else None

    def forget(self, key: str) -> None:
        """A key was unblocked or deleted: it starts anew."""
        self._keys.pop(key, None)

    def _repeats(self, subjects: dict[int, list[float]], subject: int, now: float) -> bool:
        # Taken out and put back: a dictionary's first is the one that was not seen for longest.
        times = subjects.pop(subject, None)
        if times is None:
            times = []
            if len(subjects) >= _MOST_PER_KEY:
                del subjects[next(iter(subjects))]
        subjects[subject] = times
        times.append(now)
        while times[0] <= now - self._policy.window_s:
            del times[0]
        if len(times) > self._policy.repeats:
            del times[0]
        return len(times) >= self._policy.repeats

    def _grows(self, conversations: dict[int, tuple[int, int]], begins: int, size: int) -> bool:
        before, turns = conversations.pop(begins, _NEW)
        turns = turns + 1 if size > before else 1
        if len(conversations) >= _MOST_PER_KEY:
            del conversations[next(iter(conversations))]
        conversations[begins] = size, turns
        return turns >= self._policy.turns and size >= self._policy.context_bytes
