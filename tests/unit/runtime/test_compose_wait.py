"""When waiting for a container is of no use any more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stackctl.runtime.compose.project import Container
from stackctl.runtime.compose.wait import gave_up

RUNNING = Container("id", "s-gateway-1", "gateway", "running", "starting", "", 0, False, 0, "", "i", "id", "hash", "/s")


@pytest.mark.parametrize(
    ("changed", "hopeless"),
    [
        ({}, False),
        ({"health": "healthy"}, False),
        ({"health": "unhealthy"}, True),
        # As the engine shows a container between its first end and its restart.
        ({"state": "restarting", "health": "unhealthy", "exit_code": 1}, False),
        ({"state": "exited", "health": "unhealthy", "exit_code": 1}, False),
        ({"state": "running", "restarts": 1}, False),
        ({"state": "running", "restarts": 2}, True),
        ({"state": "paused"}, True),
        ({"state": "dead"}, True),
    ],
)
def test_a_container_that_ended_once_gets_another_chance(changed: dict[str, object], hopeless: bool) -> None:
    assert gave_up(replace(RUNNING, **changed)) is hopeless  # type: ignore[arg-type]


def test_a_container_that_is_not_there_yet_may_come() -> None:
    assert not gave_up(None)
