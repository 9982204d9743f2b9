"""One question to a running part: over a connection of its own, without the environment's proxies."""

from __future__ import annotations

import ssl
from functools import cache

import httpx

ANSWER_S = 10.0


def value_of(url: str, query: str) -> float | None:
    with httpx.Client(timeout=ANSWER_S, trust_env=False) as client:
        data = client.get(f"{url}/api/v1/query", params={"query": query}).raise_for_status().json()["data"]["result"]
    return float(data[0]["value"][1]) if data else None


def fresh(address: str, token: str = "") -> httpx.Response:
    """One request over a connection of its own: a kept one would ask the same worker again and again."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(
        headers=headers, timeout=ANSWER_S, trust_env=False, follow_redirects=True, verify=_certificates()
    ) as client:
        return client.get(address)


@cache
def _certificates() -> ssl.SSLContext:
    """Reading them takes longer than a scrape, and every scrape has a connection of its own."""
    return ssl.create_default_context()


def shown(url: str) -> str:
    """The URL without user and password."""
    parsed = httpx.URL(url)
    return str(parsed.copy_with(username=None, password=None)).rstrip("/") if parsed.userinfo else url.rstrip("/")
