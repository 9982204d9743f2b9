"""The gateway's /metrics page, read as often as asked, each time over a new connection: workers take turns."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import httpx
from prometheus_client.parser import text_string_to_metric_families

from stackctl.errors import UnavailableError

_PATIENCE_S = 10.0
_PAUSE_S = 0.2


@dataclass
class Page:
    """What one scrape showed: label names and values of counters by series name."""

    labels: dict[str, set[str]] = field(default_factory=dict)
    counters: dict[tuple[str, tuple[tuple[str, str], ...]], float] = field(default_factory=dict)
    families: dict[str, str] = field(default_factory=dict)


def scrapes(url: str, token: str, count: int) -> list[Page]:
    """`count` fresh scrapes of `url` (its /metrics if it names no path); raises UnavailableError."""
    address = url if url.rstrip("/").endswith("/metrics") else f"{url.rstrip('/')}/metrics"
    pages = []
    for index in range(count):
        if index:
            time.sleep(_PAUSE_S)
        pages.append(parse(_fetch(address, token)))
    return pages


def parse(text: str) -> Page:
    """A page in the text format; raises UnavailableError if it is none."""
    page = Page()
    try:
        for family in text_string_to_metric_families(text):
            page.families[family.name] = family.type
            for sample in family.samples:
                page.labels.setdefault(sample.name, set()).update(sample.labels)
                if family.type in ("counter", "histogram") and not sample.name.endswith("_created"):
                    page.counters[sample.name, tuple(sorted(sample.labels.items()))] = float(sample.value)
    except ValueError as error:
        raise UnavailableError(f"the answer is no metrics page: {error}") from None
    return page


def _fetch(address: str, token: str) -> str:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with httpx.Client(headers=headers, timeout=_PATIENCE_S, trust_env=False, follow_redirects=True) as http:
            answer = http.get(address)
    except httpx.HTTPError as error:
        raise UnavailableError(f"{address} does not answer: {error or type(error).__name__}") from None
    if answer.status_code in (401, 403):
        raise UnavailableError(
            f"{address} answered {answer.status_code}: it wants a key", remedy="give it with --token-file"
        )
    if answer.is_error:
        raise UnavailableError(f"{address} answered {answer.status_code}")
    return answer.text
