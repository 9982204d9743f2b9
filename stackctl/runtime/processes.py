"""Find and stop the processes of a stack, also those whose supervisor was killed.

Every process of a stack carries the stack's state directory and the name of its part in its environment, and so do
its children. That is a surer mark than a recorded pid: it survives a restart of the part, and no stranger has it.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

import psutil

from stackctl.errors import StackctlError
from stackctl.runtime.environment import PART, STATE, SUPERVISOR

if TYPE_CHECKING:
    from pathlib import Path

_POLL_S = 0.05


def processes_of(state: Path) -> dict[str, list[psutil.Process]]:
    """The live processes of the stack with this state directory, by part; `supervisord` counts as a part."""
    mark, found = str(state.resolve()), dict[str, list[psutil.Process]]()
    for process in psutil.process_iter():
        environment = _environment(process)
        if environment.get(STATE) == mark and PART in environment:
            found.setdefault(environment[PART], []).append(process)
    return found


def pids_of(state: Path) -> frozenset[int]:
    """The pids of every process of the stack with this state directory."""
    return frozenset(process.pid for process in _flat(processes_of(state)))


def stack_of(pid: int) -> tuple[str, str] | None:
    """(part, state directory) if the process belongs to any stack of this user."""
    try:
        environment = _environment(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return None
    return (environment[PART], environment[STATE]) if {PART, STATE} <= environment.keys() else None


def stop_all(state: Path, *, grace_s: float = 60) -> None:
    """Stop supervisord, which stops its parts, and then whatever is left. Raises StackctlError if something stays."""
    _stop(processes_of(state).get(SUPERVISOR, []), grace_s)
    _stop(_flat(processes_of(state)), grace_s=10)
    if left := _flat(processes_of(state)):
        names = ", ".join(f"{process.name()} (pid {process.pid})" for process in left)
        raise StackctlError(f"could not stop {names}", remedy="stop it by hand, then run `stackctl down` again")


def _stop(processes: list[psutil.Process], grace_s: float) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    stubborn = _wait(processes, grace_s)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _wait(stubborn, 10)


def _wait(processes: list[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Wait until they have ended; those that have not. A zombie has ended: not every container's init collects them."""
    deadline = time.monotonic() + timeout_s
    while (left := [process for process in processes if _lives(process)]) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return left


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _flat(found: dict[str, list[psutil.Process]]) -> list[psutil.Process]:
    return [process for processes in found.values() for process in processes]


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        if process.uids().real != os.getuid() or process.status() == psutil.STATUS_ZOMBIE:
            return {}
        return process.environ()
    except psutil.Error:
        return {}
