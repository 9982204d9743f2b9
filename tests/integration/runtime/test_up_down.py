from __future__ import annotations

from stackctl.runtime import down, is_free, parts_of, status
from tests.integration.runtime.conftest import Notes, Stack


def test_up_makes_every_part_ready_and_down_leaves_nothing(any_real_parts: str, stack: Stack) -> None:
    started = stack.up()
    assert started.healthy
    assert {part.name: part.state for part in started.parts} == dict.fromkeys(
        ("gateway", "prometheus", "alertmanager", "inbox"), "running"
    )
    assert started.part("prometheus").version.startswith("2." if any_real_parts == "stable" else "3.")
    stopped = down(stack.dir, Notes())
    assert stopped.parts == ("alertmanager", "gateway", "inbox", "prometheus")
    assert stopped.still_taken == ()
    assert all(is_free(part.host, part.port) for part in parts_of(stack.spec))
    assert status(stack.dir, stack.spec).state == "stopped"
    assert down(stack.dir, Notes()).parts == ()
