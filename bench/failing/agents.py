"""Agents that ask again and again, and what they saw of a change-over."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import random
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

_PAUSE_S = (1.0, 3.0)
_PATIENCE_S = 60.0
# Less is what a busy machine does by itself.
_NOTICED_S = 0.5


@dataclass(frozen=True)
class Answer:
    """One request: when it began and ended (monotonic seconds), whether it was right, whether the fallback gave it."""

    began: float
    ended: float
    right: bool
    fallback: bool

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(frozen=True)
class Seen:
    """Seconds. `gap`: the longest in which no agent was answered after the fault. `settled`: from the fault until every
    further request went to the fallback and took no more than half a second longer than normal."""

    requests: int
    errors: int
    gap: float
    slowest: float
    settled: float
    before: tuple[float, float]
    during: tuple[float, float]
    after: tuple[float, float]


class Agents:
    """`count` of them, each with a connection of its own; every second request is a stream."""

    def __init__(self, port: int, key: str, count: int, fallback: str) -> None:
        self.answers: list[Answer] = []
        self._port, self._key, self._fallback = port, key, fallback
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(count)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Wait for what is under way."""
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _work(self, number: int) -> None:
        draw = random.Random(number)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE_S)
        turn = number
        while not self._done.wait(draw.uniform(*_PAUSE_S)):
            turn += 1
            self.answers.append(self._ask(connection, turn % 2 == 0))
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, stream: bool) -> Answer:
        body = {"model": "main", "stream": stream, "messages": [{"role": "user", "content": "Say who you are."}]}
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        began, right, text = time.monotonic(), False, ""
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            right = answer.status == 200 and "provider" in text and (not stream or text.endswith("data: [DONE]\n\n"))
        if not right:
            connection.close()
        return Answer(began, time.monotonic(), right, self._fallback in text)


def seen(answers: Sequence[Answer], start: float, fault: float) -> Seen:
    """What counts of the answers that began after `start`, when everything was warm."""
    answers = sorted((a for a in answers if a.began >= start), key=lambda a: a.ended)
    before = [a for a in answers if a.ended < fault]
    later = [a for a in answers if a.ended >= fault]
    normal = percentiles(before)[1] + _NOTICED_S
    odd = [a for a in later if not (a.right and a.fallback and a.seconds <= normal)]
    until = max((a.began for a in odd), default=fault)
    during = [a for a in later if a.began <= until]
    ends = [fault, *(a.ended for a in later if a.right)]
    return Seen(
        requests=len(answers),
        errors=sum(not a.right for a in answers),
        gap=max((b - a for a, b in itertools.pairwise(ends)), default=0.0),
        slowest=max((a.seconds for a in during), default=0.0),
        settled=max(until - fault, 0.0),
        before=percentiles(before),
        during=percentiles(during),
        after=percentiles([a for a in later if a.began > until]),
    )


def percentiles(answers: Sequence[Answer]) -> tuple[float, float]:
    """The 50th and the 99th, in seconds."""
    seconds = [a.seconds for a in answers]
    if len(seconds) < 2:
        return (seconds[0], seconds[0]) if seconds else (0.0, 0.0)
    cut = statistics.quantiles(seconds, n=100, method="inclusive")
    return cut[49], cut[98]
