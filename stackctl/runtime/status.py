"""How a stack is: asked of supervisord and of the parts themselves, from any terminal."""

from __future__ import annotations

import contextlib
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from stackctl.errors import UnavailableError, UsageError
from stackctl.render.gateway import MASTER_KEY_FILE
from stackctl.runtime.environment import SUPERVISOR
from stackctl.runtime.exits import exits_of
from stackctl.runtime.parts import Part, parts_of
from stackctl.runtime.probes import Health, Prober
from stackctl.runtime.processes import processes_of
from stackctl.runtime.supervisor import ProcessInfo, supervisor_of
from stackctl.spec import Secret

if TYPE_CHECKING:
    from stackctl.spec import Spec
    from stackctl.stack import StackDir

State = Literal["running", "starting", "stopped", "failed"]
StackState = Literal["running", "degraded", "stopped"]

_STATES: dict[str, State] = {"RUNNING": "running", "STARTING": "starting", "BACKOFF": "starting"}
_STATES |= {"STOPPED": "stopped", "STOPPING": "stopped"}


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One part. `restarts` counts how often it ended by itself since `up`; `last_exit` says how it did last.
    `container`, `image` and `digest` are there on runtime compose."""

    name: str
    url: str
    state: State
    healthy: bool
    reason: str = ""
    version: str | None = None
    pid: int | None = None
    uptime_s: float | None = None
    restarts: int | None = None
    last_exit: str | None = None
    container: str | None = None
    image: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class StackStatus:
    """A stack: `running` if every part runs and is healthy, `stopped` if none runs."""

    name: str
    state: StackState
    parts: tuple[PartStatus, ...]
    supervisor_pid: int | None = None

    @property
    def healthy(self) -> bool:
        return self.state == "running"

    def part(self, name: str) -> PartStatus:
        """The part of that name; raises KeyError if there is none."""
        return {part.name: part for part in self.parts}[name]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "state": self.state,
            "healthy": self.healthy,
            "supervisor_pid": self.supervisor_pid,
            "parts": [asdict(part) for part in self.parts],
        }


def status(stack: StackDir, spec: Spec) -> StackStatus:
    """The state and the health of every part. A stack that does not run is an answer, not an error."""
    parts, live = parts_of(spec), processes_of(stack.state)
    try:
        infos = supervisor_of(stack).processes()
    except UnavailableError:
        found = tuple(_without_supervisor(part, [process.pid for process in live.get(part.name, [])]) for part in parts)
        return StackStatus(spec.name, "degraded" if live else "stopped", found)
    exits = exits_of(stack)
    with Prober(parts, asking_key(stack, spec)) as prober:
        found = tuple(_status_of(part, infos.get(part.name), exits.get(part.name, []), prober) for part in parts)
    overall: StackState = "running" if all(part.healthy for part in found) else "degraded"
    supervisors = live.get(SUPERVISOR, [])
    return StackStatus(spec.name, overall, found, supervisors[0].pid if supervisors else None)


def asking_key(stack: StackDir, spec: Spec) -> str:
    """The master key for a gateway that tells its version to its holder only; empty for any other, or if it is not there."""
    if spec.gateway.engine == "litellm":
        with contextlib.suppress(UsageError):
            return Secret(f"file:{MASTER_KEY_FILE}", stack.root).read()
    return ""


def _status_of(part: Part, info: ProcessInfo | None, exits: list[str], prober: Prober) -> PartStatus:
    if info is None:
        return PartStatus(part.name, part.url, "stopped", False, "not part of the running stack: run `stackctl up`")
    state = _STATES.get(info.state, "failed")
    health = prober.probe(part) if state == "running" else Health(False, _why_not(info, exits))
    return PartStatus(
        name=part.name,
        url=part.url,
        state=state,
        healthy=health.healthy,
        reason=health.reason,
        version=health.version,
        pid=info.pid,
        uptime_s=round(max(0.0, time.time() - info.started_at), 1) if info.pid else None,
        restarts=len(exits),
        last_exit=exits[-1] if exits else None,
    )


def _without_supervisor(part: Part, pids: list[int]) -> PartStatus:
    if not pids:
        return PartStatus(part.name, part.url, "stopped", False, "not running")
    reason = "runs without its supervisor: `stackctl up` or `stackctl down` puts that right"
    return PartStatus(part.name, part.url, "failed", False, reason, pid=pids[0])


def _why_not(info: ProcessInfo, exits: list[str]) -> str:
    if info.state == "STARTING":
        return "has just been started"
    return exits[-1] if exits else info.fault or info.state.lower()
