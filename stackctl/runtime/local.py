"""The local runtime: a stack as plain background processes under one supervisord."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from stackctl.errors import UnavailableError, UsageError
from stackctl.runtime.environment import SUPERVISOR, supervisor_environment
from stackctl.runtime.logs import log_sizes, logs
from stackctl.runtime.parts import parts_of, urls
from stackctl.runtime.ports import check_ports, is_free
from stackctl.runtime.processes import pids_of, processes_of, stop_all
from stackctl.runtime.readiness import wait_until_ready
from stackctl.runtime.record import load_record, remove_record, save_record, take_record
from stackctl.runtime.reload import apply_changes
from stackctl.runtime.rundir import exclusive, make_state, remove_run_dir
from stackctl.runtime.status import StackStatus, status
from stackctl.runtime.supervisor import Supervisor, start_supervisor, supervisor_of
from stackctl.runtime.tools import find_tool

if TYPE_CHECKING:
    from stackctl.progress import Progress
    from stackctl.spec import Spec
    from stackctl.stack import StackDir

__all__ = ["Stopped", "down", "logs", "status", "up", "urls"]


@dataclass(frozen=True, slots=True)
class Stopped:
    """What `down` stopped (nothing, if nothing ran) and the ports somebody else uses by now."""

    parts: tuple[str, ...] = ()
    still_taken: tuple[int, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: list(value) for name, value in asdict(self).items()}


def up(stack: StackDir, spec: Spec, progress: Progress, *, keep: bool = False, timeout_s: float = 60) -> StackStatus:
    """Start the stack's bundle, or bring what has changed to a running one, and wait until every part is ready.

    If the start fails or is interrupted, everything is stopped again unless `keep`. Raises UsageError without a
    bundle or a writable state directory, ToolMissingError, PortTakenError, and StartError with the last log lines.
    """
    if not (stack.bundle / "local" / "supervisord.conf").is_file():
        raise UsageError(f"{stack.bundle} holds no bundle for the local runtime", remedy="run `stackctl render`")
    make_state(stack)
    with exclusive(stack, "up"):
        supervisor = supervisor_of(stack)
        if supervisor.answers() and not _must_start_anew(stack, spec, progress):
            _refresh(stack, spec, supervisor, progress, timeout_s)
        else:
            _start(stack, spec, progress, keep=keep, timeout_s=timeout_s)
    return status(stack, spec)


def down(stack: StackDir, progress: Progress) -> Stopped:
    """Stop every process of the stack, also those whose supervisor is gone; doing it twice is no error.

    Raises StackctlError if a process cannot be stopped.
    """
    if not stack.state.is_dir():
        return Stopped()
    make_state(stack)
    with exclusive(stack, "down"):
        running = tuple(sorted(processes_of(stack.state).keys() - {SUPERVISOR}))
        with progress.phase("stop every part"):
            _stop(stack)
        record = load_record(stack)
        addresses = record.addresses.values() if record else ()
        _forget(stack)
        return Stopped(running, tuple(int(port) for host, port in addresses if not is_free(str(host), int(port))))


def _must_start_anew(stack: StackDir, spec: Spec, progress: Progress) -> bool:
    """A running gateway keeps the environment it was started with, so a changed secret needs a new start."""
    record = load_record(stack)
    if record is None:
        return True
    changed = record.changed_secrets(spec)
    for name in sorted(changed):
        progress.note(f"{name} has changed: the stack starts anew")
    return bool(changed)


def _start(stack: StackDir, spec: Spec, progress: Progress, *, keep: bool, timeout_s: float) -> None:
    parts = parts_of(spec)
    with progress.phase("find Prometheus and Alertmanager"):
        for tool in (find_tool("prometheus"), find_tool("alertmanager")):
            progress.note(f"{tool.name} {tool.version} at {tool.path}")
        environment = supervisor_environment(stack, spec)
    with progress.phase("check the ports"):
        _stop(stack)
        _forget(stack)
        check_ports(parts)
    logged_before = log_sizes(stack)
    try:
        with progress.phase("start every part"):
            supervisor = start_supervisor(stack, environment)
            save_record(stack, take_record(stack, spec))
        with progress.phase("wait until every part is ready"):
            wait_until_ready(stack, parts, supervisor, progress, timeout_s=timeout_s, logged_before=logged_before)
    except BaseException:
        if not keep:
            _stop(stack)
            _forget(stack)
        raise


def _refresh(stack: StackDir, spec: Spec, supervisor: Supervisor, progress: Progress, timeout_s: float) -> None:
    record, parts = load_record(stack), parts_of(spec)
    changed = record.changed_files(stack) if record else frozenset()
    logged_before = log_sizes(stack)
    with progress.phase("check the ports"):
        check_ports(parts, ours=pids_of(stack.state))
    if changed:
        with progress.phase("apply what has changed"):
            apply_changes(stack, parts, supervisor, changed, progress)
    for info in supervisor.processes().values():
        if info.state not in ("RUNNING", "STARTING"):
            supervisor.restart(info.name)
    with progress.phase("wait until every part is ready"):
        wait_until_ready(stack, parts, supervisor, progress, timeout_s=timeout_s, logged_before=logged_before)
    save_record(stack, take_record(stack, spec, salt=record.salt if record else ""))


def _stop(stack: StackDir) -> None:
    """Stop what runs of the stack: what it started, or what a killed supervisord or an interrupted `up` left behind."""
    with contextlib.suppress(UnavailableError):
        supervisor_of(stack).stop_parts()
    stop_all(stack.state)


def _forget(stack: StackDir) -> None:
    remove_record(stack)
    remove_run_dir(stack)
