"""Teams and keys that the spec declares, at a gateway that keeps them in its database: over LiteLLM's admin API.

The gateway here is the bundled one, which serves the same paths and fields: LiteLLM keeps owners with Prisma's engines
only, and no package has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackctl.client import GatewayClient
from stackctl.runtime.owners import declare
from stackctl.spec import parse_spec
from tests.integration.gateway.running import MASTER, Running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPEC = """
version: 1
name: owners
runtime: compose
gateway: {engine: litellm, version: 1.102.4}
models: [{name: demo, deployments: [{provider: mock, model: demo}]}]
teams: [{name: backend, budget: {usd: BUDGET, period: 30d}}, {name: free}]
keys: [{name: ci, team: backend, secret: "file:secrets/ci", models: [demo], budget: {usd: 2, period: 7d}, rpm: RPM}]
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("owners"), workers=1) as running:
        yield running


def declared(gateway: Running, root: Path, budget: str = "500", rpm: str = "60") -> list[str]:
    (root / "secrets").mkdir(exist_ok=True)
    (root / "secrets/ci").write_text("sk-the-key-of-ci-itself\n")
    spec = parse_spec(SPEC.replace("BUDGET", budget).replace("RPM", rpm)).spec
    with GatewayClient(gateway.url, MASTER) as client:
        return declare(client, spec, root)


def test_what_is_missing_is_made_and_what_differs_is_changed(gateway: Running, tmp_path: Path) -> None:
    assert declared(gateway, tmp_path) == ["made team backend", "made team free", "made key ci"]
    assert declared(gateway, tmp_path) == []
    assert declared(gateway, tmp_path, budget="600") == ["changed the budget of team backend"]
    assert declared(gateway, tmp_path, budget="600", rpm="90") == ["changed the limits of key ci"]
    assert declared(gateway, tmp_path, budget="600", rpm="90") == []
    with GatewayClient(gateway.url, MASTER) as client:
        teams = {team.alias: team for team in client.list_teams()}
        (key,) = [each for each in client.list_keys() if each.alias == "ci"]
    assert (teams["backend"].max_budget, teams["backend"].budget_duration) == (600, "30d")
    assert teams["free"].max_budget is None
    assert (key.team_id, key.models, key.max_budget, key.rpm_limit) == (teams["backend"].id, ("demo",), 2, 90)
    assert gateway.chat("sk-the-key-of-ci-itself").status_code == 200
