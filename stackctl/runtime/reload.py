"""Bring a changed bundle to a running stack, touching only the parts whose files changed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from stackctl.errors import StartError
from stackctl.runtime.logs import last_lines, log_sizes
from stackctl.runtime.probes import Prober

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackctl.progress import Progress
    from stackctl.runtime.parts import Part
    from stackctl.runtime.supervisor import Supervisor
    from stackctl.stack import StackDir

_RELOAD_S = 15.0
_SECOND_RELOAD_S = 5.0
"""After a refused reload the metrics do not tell a second refusal from no answer yet; reloads take milliseconds."""
_REASON = " err="
"""In the line that tells why, of both versions of Prometheus and Alertmanager."""
_REASON_S = 5.0
_POLL_S = 0.05


def apply_changes(
    stack: StackDir, parts: tuple[Part, ...], supervisor: Supervisor, changed: frozenset[str], progress: Progress
) -> None:
    """Restart or reload what `changed`, paths relative to the bundle, belong to.

    Raises StartError if a part refuses its new configuration; it then goes on with the previous one.
    """
    restarted = supervisor.update() if "local/supervisord.conf" in changed else frozenset[str]()
    for name in sorted(restarted):
        progress.note(f"{name} was restarted: its command changed")
    for part in parts:
        if part.name in restarted or not any(file.startswith(f"{part.name}/") for file in changed):
            continue
        if part.name == "gateway":
            supervisor.restart(part.name)
            progress.note("gateway was restarted: its configuration changed")
        else:
            _reload(stack, parts, part, supervisor)
            progress.note(f"{part.name} has read its changed configuration")


def _reload(stack: StackDir, parts: tuple[Part, ...], part: Part, supervisor: Supervisor) -> None:
    """SIGHUP, because Prometheus' /-/reload comes with /-/quit for everybody who can reach the port."""
    logged_before = log_sizes(stack)[part.name]
    with Prober(parts) as prober:
        good_before, when_before = prober.reload_state(part)
        supervisor.hang_up(part.name)

        def accepted() -> bool | None:
            good, when = prober.reload_state(part)
            if when != when_before:
                return True
            return False if good_before and not good else None

        if not _await(accepted, _RELOAD_S if good_before else _SECOND_RELOAD_S):
            raise StartError(
                f"{part.name} refused its changed configuration and goes on with the previous one",
                remedy="correct the spec, render, and run `stackctl up` again",
                details=_said(stack, part, logged_before),
            )


def _said(stack: StackDir, part: Part, since: int) -> tuple[str, ...]:
    """The part's log from there on, with its reason: that is written after the metrics tell the refusal."""

    def told() -> bool | None:
        return any(_REASON in line for line in last_lines(stack, part.name, since=since)) or None

    _await(told, _REASON_S)
    return last_lines(stack, part.name, since=since)


def _await(answer: Callable[[], bool | None], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if (found := answer()) is not None:
            return found
        time.sleep(_POLL_S)
    return False
