"""Which series and labels a PromQL expression asks for, by a real parser."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import promql_parser

_CHILDREN = ("expr", "lhs", "rhs", "param")


@dataclass(frozen=True)
class Selector:
    """One vector selector: the metric's name and the labels its matchers name."""

    metric: str
    labels: frozenset[str]


@lru_cache(maxsize=4096)
def selectors(expr: str) -> tuple[Selector, ...]:
    """Every selector of an expression; raises ValueError if it is not PromQL."""
    found: list[Selector] = []
    _walk(promql_parser.parse(expr), found)
    return tuple(found)


def _walk(node: Any, found: list[Selector]) -> None:
    if isinstance(node, promql_parser.VectorSelector):
        matchers = list(node.matchers.matchers)
        named = next((m.value for m in matchers if m.name == "__name__"), node.name or "")
        found.append(Selector(named, frozenset(m.name for m in matchers if m.name != "__name__")))
    elif isinstance(node, promql_parser.MatrixSelector):
        _walk(node.vector_selector, found)
    elif isinstance(node, promql_parser.Call):
        for argument in node.args:
            _walk(argument, found)
    else:
        for name in _CHILDREN:
            child = getattr(node, name, None)
            if child is not None:
                _walk(child, found)
