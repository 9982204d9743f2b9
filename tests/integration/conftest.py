"""How integration tests are shared among processes."""

from __future__ import annotations

from pathlib import Path

import pytest

SLOW = ("litellm",)
"""Suites that run a real LiteLLM for minutes: `make test-slow` runs them, and what is marked slow by itself."""


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
