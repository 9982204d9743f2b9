"""How a worker has tokens counted: it asks the one process of its gateway that can."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from gateway import wire
from gateway.counting import estimate
from gateway.counting.texts import Texts

_log = logging.getLogger("gateway.worker")
# Its start takes about half a second on a free core; a client waits for its answer's end meanwhile.
_PATIENCE_S = 5.0
# After a question that was not answered, nobody waits for the next ones.
_REST_S = 10.0
# Of longer texts so much is counted, and the rest in proportion: it takes about 0.1 s.
_MOST_CHARACTERS = 500_000
# A thousand streams that break off together must not all connect at once.
_MOST_AT_ONCE = 8


class TokenCounter:
    """Bound to one worker's loop."""

    def __init__(self, path: Path, patience_s: float = _PATIENCE_S) -> None:
        self._path = path
        self._patience = patience_s
        self._rest_until = 0.0
        self._places = asyncio.Semaphore(_MOST_AT_ONCE)

    async def count(self, groups: Sequence[Texts]) -> list[int]:
        """The tokens of each group of texts; where the process is away or too slow, a rougher estimate of them."""
        samples = [_sample(group) for group in groups]
        counts = await self._asked([parts for parts, _ in samples])
        if counts is None:
            counts = [sum(map(estimate.of_text, parts)) for parts, _ in samples]
        return [
            round(count * share) + group.around
            for count, (_, share), group in zip(counts, samples, groups, strict=True)
        ]

    async def _asked(self, texts: list[tuple[str, ...]]) -> list[int] | None:
        loop = asyncio.get_running_loop()
        if not any(texts):
            return [0] * len(texts)
        if loop.time() < self._rest_until:
            return None
        try:
            async with asyncio.timeout(self._patience), self._places:
                # The second time is for a process that was killed in the middle: its successor is started at once.
                for _ in range(2):
                    if (counts := await self._once(texts)) is not None:
                        return counts
        except TimeoutError:
            pass
        self._rest_until = loop.time() + _REST_S
        _log.warning("the process that counts tokens does not answer: for %g s they are estimated", _REST_S)
        return None

    async def _once(self, texts: list[tuple[str, ...]]) -> list[int] | None:
        try:
            reader, writer = await asyncio.open_unix_connection(self._path)
        except OSError:
            return None
        try:
            writer.write(wire.pack({"texts": texts}))
            answer = await wire.read(reader)
        finally:
            writer.transport.abort()
        counts: list[int] | None = None if answer is None else answer["tokens"]
        return counts


def _sample(group: Texts) -> tuple[tuple[str, ...], float]:
    """Not too much of the texts, and by how much their tokens are more than the sample's."""
    size = group.size
    if size <= _MOST_CHARACTERS:
        return group.parts, 1.0
    kept, room = [], _MOST_CHARACTERS
    for part in group.parts:
        kept.append(part[:room])
        room -= len(kept[-1])
        if not room:
            break
    return tuple(kept), size / _MOST_CHARACTERS
