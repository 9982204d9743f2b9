"""Causes are found by asking the parts, also when a part does not answer any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from stackctl.proof import Endpoints, Hop
from stackctl.proof.causes import Case, diagnose
from stackctl.proof.session import Session
from stackctl.proof.signals import Signal

NOBODY = "http://127.0.0.1:9"
PAGE = 'litellm_budget_spent_usd{key="stackctl-test-other"} 1\nlitellm_budget_spent_usd{key="stackctl-test-low"} 0.5\n'


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(PAGE.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def causes_of(name: str, gateway: str, canary: str) -> Hop:
    hop = Hop(name, name)

    async def ask() -> None:
        session = Session(Endpoints(gateway, NOBODY, NOBODY, NOBODY))
        case = Case(session, "A", "label", canary, {}, Signal("litellm_budget_spent_usd", 0.8))
        try:
            await diagnose(hop, case)
        finally:
            await session.close()

    asyncio.run(ask())
    return hop


def test_a_series_that_is_not_exposed_is_named(gateway: str) -> None:
    hop = causes_of("exposed", gateway, "stackctl-test-gone")
    assert "no series litellm_budget_spent_usd" in hop.likely_causes[0]
    assert hop.evidence["value_seen"] is None


def test_a_value_below_its_threshold_is_told(gateway: str) -> None:
    hop = causes_of("exposed", gateway, "stackctl-test-low")
    assert "litellm_budget_spent_usd = 0.5" in hop.likely_causes[0]


@pytest.mark.parametrize(
    ("hop", "part"),
    [
        ("scraped", "Prometheus"),
        ("firing", "Prometheus"),
        ("received", "Prometheus"),
        ("delivered", "Alertmanager"),
        ("resolved", "Alertmanager"),
    ],
)
def test_a_part_that_died_meanwhile_is_the_cause(gateway: str, hop: str, part: str) -> None:
    assert causes_of(hop, gateway, "stackctl-test-x").likely_causes[0].startswith(f"{part} does not answer")


def test_a_hop_of_our_own_is_explained_by_its_error(gateway: str) -> None:
    assert causes_of("answered", gateway, "stackctl-test-x").likely_causes
