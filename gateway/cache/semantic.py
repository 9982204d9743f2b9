"""Answers to questions that mean the same: the nearest stored question by the cosine of their embeddings."""

from __future__ import annotations

import time
from array import array
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import sqrt
from typing import Any

from gateway.cache.store import Entry

Embed = Callable[[str], Awaitable[Sequence[float]]]
"""Text → vector, through any configured embeddings model; raises UpstreamError when it fails."""

_LONGEST = 8192


class SemanticIndex:
    """The questions of one worker by group (owner, model and every other parameter), each with its answer.

    `similarity` is the least cosine at which two questions count as one. Vectors are kept normalised, so that the cosine
    is a sum of products. The least lately used go first.
    """

    def __init__(self, similarity: float, most: int = 2000, clock: Callable[[], float] = time.monotonic) -> None:
        self._similarity = similarity
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[int, tuple[bytes, array[float], Entry, float]] = OrderedDict()
        self._next = 0

    def nearest(self, group: bytes, vector: Sequence[float]) -> tuple[Entry, float] | None:
        """The entry whose question is nearest and how near it is, if that is near enough."""
        wanted = _normalised(vector)
        now, best, found = self._clock(), self._similarity, None
        for number, (other, candidate, _, until) in list(self._kept.items()):
            if until <= now:
                del self._kept[number]
            elif other == group and len(candidate) == len(wanted):
                cosine = sum(map(float.__mul__, wanted, candidate))
                if cosine >= best:
                    best, found = cosine, number
        if found is None:
            return None
        self._kept.move_to_end(found)
        return self._kept[found][2], best

    def add(self, group: bytes, vector: Sequence[float], entry: Entry, ttl_s: float) -> None:
        """Remember an answer."""
        if ttl_s <= 0:
            return
        self._kept[self._next] = (group, _normalised(vector), entry, self._clock() + ttl_s)
        self._next += 1
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


def question_of(body: Mapping[str, Any]) -> str | None:
    """The text to embed: every message in order; None where there is something else than text to compare."""
    messages = body.get("messages")
    if not isinstance(messages, list) or body.get("tools"):
        return None
    texts: list[str] = []
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            return None
        texts.append(f"{message.get('role')}: {message['content']}")
    return "\n".join(texts)[:_LONGEST] or None


def _normalised(vector: Sequence[float]) -> array[float]:
    length = sqrt(sum(x * x for x in vector)) or 1.0
    return array("d", (x / length for x in vector))
