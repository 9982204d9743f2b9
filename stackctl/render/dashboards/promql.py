"""What a panel's query reads: its metrics, once Grafana's variables have values."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import promql_parser

# What Grafana puts in for its own variables at a 15 s scrape interval; only the kind of value matters to a parser.
GRAFANA_VALUES = {
    "__rate_interval": "1m",
    "__interval": "1m",
    "__interval_ms": "60000",
    "__range": "6h",
    "__range_s": "21600",
    "__range_ms": "21600000",
}
_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?::\w+)?\}|\$([A-Za-z_]\w*)")


def substitute(expr: str, **values: str) -> str:
    """The query as Prometheus gets it; a variable without a value in `values` matches everything."""
    known = GRAFANA_VALUES | values
    return _VARIABLE.sub(lambda match: known.get(match[1] or match[2], ".*"), expr)


@lru_cache(maxsize=4096)
def metrics_in(expr: str) -> frozenset[str]:
    """The names of all metrics a query selects, Grafana's variables allowed.

    Raises ValueError if it is not PromQL, or selects without naming a metric.
    """
    found: set[str] = set()
    _collect(promql_parser.parse(substitute(expr)), found)
    return frozenset(found)


def _collect(node: Any, found: set[str]) -> None:
    if isinstance(node, promql_parser.VectorSelector):
        if not node.name:
            raise ValueError("a selector names no metric")
        found.add(node.name)
        return
    for child in ("lhs", "rhs", "expr", "param", "vector_selector"):
        inner = getattr(node, child, None)
        if inner is not None:
            _collect(inner, found)
    for argument in getattr(node, "args", ()):
        _collect(argument, found)
