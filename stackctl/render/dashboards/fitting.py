"""Fit a query to the labels an engine has: narrowing by a label that no series carries would empty the panel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_SELECTOR = re.compile(r"([A-Za-z_:][\w:]*)\{([^{}]*)\}")
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
