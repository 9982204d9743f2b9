"""Prometheus' answers by query, for the parts of explanations that decide without asking anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from stackctl.checks.live.api import Prometheus, Sample


class Answers:
    """Returns what was put in for a query, and nothing for any other."""

    def __init__(self, results: Mapping[str, list[Sample]], values: Mapping[str, list[str]] | None = None) -> None:
        self._results = results
        self._values = values or {}

    def instant(self, query: str) -> list[Sample]:
        return self._results.get(query, [])

    def label_values(self, label: str, match: str) -> list[str]:
        return self._values.get(label, [])


def answers(results: Mapping[str, list[Sample]], values: Mapping[str, list[str]] | None = None) -> Prometheus:
    """As the checks take it."""
    return cast(Prometheus, Answers(results, values))
