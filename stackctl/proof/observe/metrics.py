"""The gateway's /metrics page, read as a scraper reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from stackctl.proof.observe.web import Web

KEY_LABEL = "key"


class MetricsPage:
    """Raises UnavailableError when the page cannot be had."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self.url = web.url

    async def value(self, metric: str, key: str) -> float | None:
        """The sum of the metric's samples for one virtual key; None if there is no such series."""
        return sum_for_key(await self._web.text("/metrics"), metric, key)


def sum_for_key(page: str, metric: str, key: str) -> float | None:
    """Only lines that can match are parsed: the page of a busy gateway has thousands of others."""
    lines = [line for line in page.splitlines() if line.startswith(metric) and key in line]
    families = text_string_to_metric_families("\n".join([*lines, ""]))
    samples = [sample for family in families for sample in family.samples]
    values = [s.value for s in samples if s.name == metric and s.labels.get(KEY_LABEL) == key]
    return sum(values) if values else None
