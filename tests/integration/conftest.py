"""How integration tests are shared among processes."""

from __future__ import annotations

from pathlib import Path

import pytest

SLOW = ("compose", "doctor", "litellm", "gateway/conformance", "gateway/routing")
"""Suites that start a Docker engine, databases, a real LiteLLM or many gateways: `make test-slow` runs them."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests stay together, so that the servers they share are started once; a group of its own goes first."""
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        place = str(item.path.relative_to(here))
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(place))
        if place.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
