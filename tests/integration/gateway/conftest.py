from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gateway.running import Running, mock_model
from tests.integration.gateway.upstream import FakeUpstream


@pytest.fixture(scope="session")
def upstream() -> Iterator[FakeUpstream]:
    """A real local HTTP server that behaves as the model's name says."""
    with FakeUpstream() as server:
        yield server


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway with mock models that many tests share."""
    directory: Path = tmp_path_factory.mktemp("gateway")
    models = [
        mock_model("demo"),
        mock_model("stackctl-canary", hidden=True),
        mock_model("unpriced", deployment={"price": None}),
        mock_model("broken", deployment={"mock": {"error": 500}}, fallbacks=["demo"]),
    ]
    watched = {"loop_guard": {"action": "observe"}}
    with Running(directory, models=models, **watched, teams=[{"name": "backend", "budget": {"usd": 500}}]) as running:
        yield running
