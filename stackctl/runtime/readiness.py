"""Wait until every part of a started stack is ready for its work."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from stackctl.errors import StartError
from stackctl.runtime.exits import exits_of
from stackctl.runtime.logs import last_lines
from stackctl.runtime.probes import Health, Prober

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackctl.progress import Progress
    from stackctl.runtime.parts import Part
    from stackctl.runtime.supervisor import Supervisor
    from stackctl.stack import StackDir

_POLL_S = 0.1
_ENDED = ("BACKOFF", "EXITED", "FATAL")


def wait_until_ready(
    stack: StackDir,
    parts: tuple[Part, ...],
    supervisor: Supervisor,
    progress: Progress,
    *,
    timeout_s: float,
    logged_before: Mapping[str, int],
) -> None:
    """Return when every part runs and answers as a ready one.

    Raises StartError, with the end of the part's log, as soon as one has ended or when the time is over. A part that
    ends while the stack starts is not given its retries: its ports were free and its files are the same next time.
    """
    deadline = time.monotonic() + timeout_s
    pids: dict[str, int] = {}
    with Prober(parts) as prober:
        waiting = {part.name: part for part in parts}
        reasons = dict.fromkeys(waiting, "it has not started")
        while waiting:
            for part in tuple(waiting.values()):
                _refuse_ended(stack, part, supervisor, pids, logged_before)
                health = _health(part, supervisor, prober)
                if health.healthy:
                    progress.note(f"{part.name} {health.version or ''} is ready at {part.url}".replace("  ", " "))
                    del waiting[part.name]
                reasons[part.name] = health.reason
            if waiting and time.monotonic() > deadline:
                name = next(iter(waiting))
                raise _failure(stack, name, f"is not ready after {timeout_s:g} s: {reasons[name]}", logged_before)
            if waiting:
                time.sleep(_POLL_S)


def _health(part: Part, supervisor: Supervisor, prober: Prober) -> Health:
    if supervisor.processes()[part.name].state != "RUNNING":
        return Health(False, "it is still starting")
    return prober.probe(part)


def _refuse_ended(
    stack: StackDir, part: Part, supervisor: Supervisor, pids: dict[str, int], logged_before: Mapping[str, int]
) -> None:
    info = supervisor.processes()[part.name]
    restarted = info.pid is not None and pids.setdefault(part.name, info.pid) != info.pid
    if info.state in _ENDED or restarted:
        how = exits_of(stack).get(part.name, [info.fault or info.state.lower()])[-1]
        raise _failure(stack, part.name, f"ended while the stack was starting: {how}", logged_before)


def _failure(stack: StackDir, name: str, cause: str, logged_before: Mapping[str, int]) -> StartError:
    return StartError(
        f"{name} {cause}",
        remedy=f"see the log below, or all of it with `stackctl logs {name}`",
        details=last_lines(stack, name, since=logged_before.get(name, 0)),
    )
