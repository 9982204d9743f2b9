"""Answers to questions that mean the same: the nearest stored question by the cosine of their embeddings."""

from __future__ import annotations

import time
from array import array
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from math import sqrt
from typing import Any

_LONGEST = 8192
_MOST_COMPARED = 32


@dataclass(frozen=True, slots=True)
class _Known:
    """`signs` holds one bit per number of the vector."""

    group: bytes
    vector: array[float]
    signs: int
    identity: bytes
    until: float


class SemanticIndex:
    """The questions that one worker knows by group (owner, model and every other parameter), each with the identity
    under which its answer is kept.

    `similarity` is the least cosine at which two questions count as one. Vectors are kept normalised, so that the cosine
    is a sum of products; it is taken for those whose signs differ least, because a cosine of 1,536 numbers costs 50 µs
    and nobody else is served meanwhile. The least lately used go first.
    """

    def __init__(self, similarity: float, most: int = 2000, clock: Callable[[], float] = time.monotonic) -> None:
        self._similarity = similarity
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[int, _Known] = OrderedDict()
        self._next = 0

    def nearest(self, group: bytes, vector: Sequence[float]) -> tuple[bytes, float] | None:
        """The identity whose question is nearest and how near it is, if that is near enough."""
        wanted, signs, now = _normalised(vector), _signs(vector), self._clock()
        for number in [number for number, known in self._kept.items() if known.until <= now]:
            del self._kept[number]
        peers = [(n, k) for n, k in self._kept.items() if k.group == group and len(k.vector) == len(wanted)]
        candidates = nsmallest(_MOST_COMPARED, peers, key=lambda peer: (peer[1].signs ^ signs).bit_count())
        best, found = self._similarity, None
        for number, known in candidates:
            cosine = sum(map(float.__mul__, wanted, known.vector))
            if cosine >= best:
                best, found = cosine, number
        if found is None:
            return None
        self._kept.move_to_end(found)
        return self._kept[found].identity, best

    def add(self, group: bytes, vector: Sequence[float], identity: bytes, ttl_s: float) -> None:
        """Remember a question."""
        if ttl_s <= 0:
            return
        self._kept[self._next] = _Known(group, _normalised(vector), _signs(vector), identity, self._clock() + ttl_s)
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


def _signs(vector: Sequence[float]) -> int:
    return int("".join("1" if x > 0 else "0" for x in vector) or "0", 2)
