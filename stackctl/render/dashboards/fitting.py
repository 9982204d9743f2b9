"""Fit a query to the labels an engine has.

Narrowing by a label that no series carries would empty the panel; a split by one shows a split that there is not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Set

_SELECTOR = re.compile(r"([A-Za-z_:][\w:]*)\{([^{}]*)\}")
_BY = re.compile(r"\s*\bby\s*\(([^()]*)\)\s*")
_NAMED = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_WHOLE = "all"
_NARROWING = re.compile(r'([A-Za-z_]\w*)\s*=~\s*"\$\w+"\s*,?\s*')


def fitted(expr: str, labels: Mapping[str, Collection[str]]) -> tuple[str, frozenset[str]]:
    """The query without choices by labels its metrics do not have, and these labels.

    `labels` is metric → labels; a metric that is not in it keeps all its matchers.
    """
    dropped: set[str] = set()

    def selector(match: re.Match[str]) -> str:
        metric, matchers = match[1], match[2]
        if metric not in labels:
            return match[0]

        def matcher(narrowing: re.Match[str]) -> str:
            if narrowing[1] in labels[metric]:
                return narrowing[0]
            dropped.add(narrowing[1])
            return ""

        return f"{metric}{{{_NARROWING.sub(matcher, matchers).rstrip(', ')}}}"

    return _SELECTOR.sub(selector, expr), frozenset(dropped)


def narrowing(expr: str) -> frozenset[str]:
    """The labels a dashboard's choices narrow a query by."""
    return frozenset(match[1] for match in _NARROWING.finditer(expr))


def split(expr: str, legend: str) -> frozenset[str]:
    """The labels a query is split by, or its legend tells its series apart by."""
    listed = (label.strip() for match in _BY.finditer(expr) for label in match[1].split(","))
    return frozenset({*listed, *_NAMED.findall(legend)} - {""})


def unsplit(expr: str, legend: str, absent: Set[str]) -> tuple[str, str]:
    """The query and its legend without a split by these labels."""

    def by(match: re.Match[str]) -> str:
        kept = [label for label in map(str.strip, match[1].split(",")) if label not in absent]
        return f" by ({', '.join(kept)}) " if kept else ""

    for label in sorted(absent):
        legend = re.sub(rf"[ ·]*\{{\{{\s*{label}\s*\}}\}}", "", legend) or _WHOLE
    return _BY.sub(by, expr), legend.strip(" ·")
