"""The memory of one worker's guard: bounded, forgetful, cheap."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from gateway.guard.fingerprint import fingerprints
from gateway.guard.policy import GuardPolicy

_MOST_KEYS: Final = 4096
_MOST_PER_KEY: Final = 32


class Reason(StrEnum):
    """Why a request counts as part of a loop."""

    REPEATS = "repeats"
    GROWTH = "growth"


@dataclass(slots=True)
class _Conversation:
    size: int = 0
    turns: int = 0


@dataclass(slots=True)
class _Memory:
    """What is remembered of one key: times per subject and growth per conversation, the latest few of each."""

    subjects: OrderedDict[int, deque[float]] = field(default_factory=OrderedDict)
    conversations: OrderedDict[int, _Conversation] = field(default_factory=OrderedDict)


class Watch:
    """Looks at each request of one worker once."""

    def __init__(self, policy: GuardPolicy) -> None:
        self._policy = policy
        self._keys: OrderedDict[str, _Memory] = OrderedDict()

    def examine(self, key: str, body: Mapping[str, Any], size: int, now: float) -> Reason | None:
        """Why this request is part of a loop, or None. `size` is the request's in bytes, `now` a monotonic second."""
        memory = _kept(self._keys, key, _Memory, _MOST_KEYS)
        subject, conversation = fingerprints(body)
        grows = self._grows(memory, conversation, size)
        if self._repeats(memory, subject, now):
            return Reason.REPEATS
        return Reason.GROWTH if grows else None

    def forget(self, key: str) -> None:
        """A key was unblocked or deleted: it starts anew."""
        self._keys.pop(key, None)

    def _repeats(self, memory: _Memory, subject: int, now: float) -> bool:
        times = _kept(memory.subjects, subject, deque, _MOST_PER_KEY)
        times.append(now)
        while times[0] <= now - self._policy.window_s:
            times.popleft()
        if len(times) > self._policy.repeats:
            times.popleft()
        return len(times) >= self._policy.repeats

    def _grows(self, memory: _Memory, begins: int, size: int) -> bool:
        conversation = _kept(memory.conversations, begins, _Conversation, _MOST_PER_KEY)
        conversation.turns = conversation.turns + 1 if size > conversation.size else 1
        conversation.size = size
        return conversation.turns >= self._policy.turns and size >= self._policy.context_bytes


def _kept(store: OrderedDict[Any, Any], name: Any, make: Any, most: int) -> Any:
    """The entry of that name, made if missing and now the youngest; the eldest goes when there are too many."""
    entry = store.get(name)
    if entry is None:
        entry = store[name] = make()
        if len(store) > most:
            store.popitem(last=False)
    else:
        store.move_to_end(name)
    return entry
