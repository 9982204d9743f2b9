"""Every series name that can exist, as the checks look it up."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from stackctl.promql.shape import ANY, Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Kind = Literal["counter", "gauge", "bucket", "sum", "count", "quantile", "period", "unknown"]


@dataclass(frozen=True)
class Series:
    """One exposed name. `optional` labels may be empty; `bounds` lists the only values a label can take."""

    name: str
    kind: Kind
    labels: frozenset[str]
    family: str = ""
    catalogue: str = ""
    optional: frozenset[str] = frozenset()
    bounds: Mapping[str, frozenset[str]] = field(default_factory=dict)
    buckets: tuple[float, ...] = ()
    values: Interval = ANY


class SeriesIndex:
    """Series by name, from any number of catalogues."""

    def __init__(self, series: Iterable[Series]) -> None:
        self._by_name = {item.name: item for item in series}
        self.labels = frozenset().union(*(item.labels for item in self._by_name.values()))
        self._namespaces = {namespace(name) for name in self._by_name}

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __len__(self) -> int:
        return len(self._by_name)

    def __iter__(self) -> Iterator[Series]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Series | None:
        return self._by_name.get(name)

    def owns(self, name: str) -> bool:
        """Whether a name lies in a namespace the catalogues cover, so that its absence means it does not exist."""
        return namespace(name) in self._namespaces or self.nearest(name, cutoff=0.85) is not None

    def nearest(self, name: str, *, also: Iterable[str] = (), cutoff: float = 0.6) -> str | None:
        """The most similar name, if any is similar."""
        return nearest(name, [*self._by_name, *also], cutoff)


def namespace(name: str) -> str:
    """The part before the first underscore or colon: who exposes it, by convention."""
    return name.replace(":", "_").split("_", 1)[0]


def nearest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The most similar of `names`, or None."""
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=cutoff)
    return found[0] if found else None
