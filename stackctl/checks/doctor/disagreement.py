"""What a row of scrapes says about who answered them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stackctl.checks.live.page import Page


@dataclass(frozen=True)
class Disagreement:
    """A counter that fell. `values` are its values, scrape by scrape; 0 where a scrape does not have it."""

    series: str
    values: tuple[float, ...]

    @property
    def falls(self) -> int:
        return sum(after < before for before, after in pairwise(self.values))

    @property
    def came_back(self) -> bool:
        """Whether a value that was left behind was seen again, which no restart explains."""
        return any(
            later in self.values[: index + 1]
            for index, (before, after) in enumerate(pairwise(self.values))
            if after < before
            for later in self.values[index + 2 :]
            if later > after
        )


def disagreements(bursts: Sequence[Sequence[Page]]) -> list[Disagreement]:
    """The counters that fell between two scrapes, the most restless first. Those of a burst were made at once.

    A counter of one process only rises. A fall means that another process answered, or that it restarted.
    """
    names = sorted({key for burst in bursts for page in burst for key in page.counters})
    rows = [
        Disagreement(_shown(key), tuple(_in_order([page.counters.get(key, 0.0) for page in burst] for burst in bursts)))
        for key in names
    ]
    return sorted((row for row in rows if row.falls), key=lambda row: (-row.falls, row.series))


def restarted(proofs: Sequence[Disagreement]) -> bool:
    """Whether one restart explains it all: every counter fell once, and none returned to where it had been."""
    return all(proof.falls == 1 and not proof.came_back for proof in proofs)


def _in_order(bursts: Iterable[list[float]]) -> Iterator[float]:
    """All values in the order that explains them with the fewest falls: which of a burst was read first is not known."""
    last = 0.0
    for burst in bursts:
        risen, fallen = ([value for value in sorted(burst) if (value < last) == below] for below in (False, True))
        yield from (ordered := risen + fallen)
        last = ordered[-1]


def _shown(key: tuple[str, tuple[tuple[str, str], ...]]) -> str:
    name, labels = key
    inside = ",".join(f'{label}="{value}"' for label, value in labels)
    return f"{name}{{{inside}}}" if inside else name
