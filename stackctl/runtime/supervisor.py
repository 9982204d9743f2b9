"""Start supervisord in the background and talk to it over its private socket."""

from __future__ import annotations

import http.client
import socket
import subprocess
import xmlrpc.client
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError

from stackctl.errors import StartError, UnavailableError
from stackctl.runtime.rundir import make_run_dir, run_dir

if TYPE_CHECKING:
    from pathlib import Path

    from stackctl.stack import StackDir

_UP = ("STARTING", "RUNNING", "BACKOFF")
_ANSWER_S = 10.0
_STOP_S = 60.0
"""Longer than any `stopwaitsecs` of the template: these calls answer when the part has stopped."""


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """What supervisord knows of one program. `state` is supervisord's own word, such as RUNNING or BACKOFF."""

    name: str
    state: str
    pid: int | None
    started_at: float
    fault: str


class Supervisor:
    """The supervisord of one stack. Every method raises UnavailableError if it does not answer."""

    def __init__(self, control: Path) -> None:
        self._control = control

    def processes(self) -> dict[str, ProcessInfo]:
        """Every program, by name."""
        infos = self._call("getAllProcessInfo")
        return {info["name"]: _process_info(info) for info in infos}

    def answers(self) -> bool:
        """Whether it runs and obeys."""
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except UnavailableError:
            return False

    def restart(self, part: str) -> None:
        """Stop a program with its whole process group, wait for that, and start it again, whatever state it is in."""
        if self.processes()[part].state in _UP:
            self._call("stopProcess", part, True, timeout_s=_STOP_S)
        self._call("startProcess", part, False)

    def stop_parts(self) -> None:
        """Stop every program at once; supervisord's own shutdown stops them one after the other."""
        self._call("stopAllProcesses", True, timeout_s=_STOP_S)

    def hang_up(self, part: str) -> None:
        """Send SIGHUP to a program: read your configuration again."""
        self._call("signalProcess", part, "HUP")

    def update(self) -> frozenset[str]:
        """Read supervisord.conf again and restart the programs that changed; their names."""
        ((added, changed, removed),) = self._call("reloadConfig")
        for name in (*changed, *removed):
            self._call("stopProcessGroup", name, True, timeout_s=_STOP_S)
            self._call("removeProcessGroup", name)
        for name in (*added, *changed):
            self._call("addProcessGroup", name)
        return frozenset((*added, *changed))

    def _call(self, method: str, *arguments: object, timeout_s: float = _ANSWER_S) -> Any:
        request = xmlrpc.client.dumps(arguments, f"supervisor.{method}")  # type: ignore[arg-type]
        try:
            with closing(_UnixConnection(self._control, timeout_s)) as connection:
                connection.request("POST", "/RPC2", request.encode(), {"Content-Type": "text/xml"})
                with connection.getresponse() as response:
                    (answer,), _ = xmlrpc.client.loads(response.read())
        except xmlrpc.client.Fault as fault:
            raise UnavailableError(f"supervisord refused {method}: {fault.faultString}") from fault
        except (OSError, http.client.HTTPException, ExpatError) as error:
            raise UnavailableError(f"supervisord does not answer: {error}") from error
        return answer


def supervisor_of(stack: StackDir) -> Supervisor:
    """The stack's supervisord, running or not."""
    return Supervisor(run_dir(stack) / "supervisor.sock")


def start_supervisor(stack: StackDir, environment: dict[str, str]) -> Supervisor:
    """Start supervisord detached from this terminal; it starts the parts.

    Raises StartError with its complaint if it does not accept its configuration.
    """
    make_run_dir(stack)
    configuration = (stack.bundle / "local" / "supervisord.conf").resolve()
    done = subprocess.run(
        [environment["STACKCTL_PYTHON"], "-P", "-m", "supervisor.supervisord", "-c", str(configuration)],
        cwd=stack.bundle,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        timeout=60,
    )
    supervisor = supervisor_of(stack)
    if done.returncode or not supervisor.answers():
        complaint = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise StartError(
            "supervisord did not start",
            remedy=f"see {stack.logs / 'supervisord.log'}",
            details=complaint[-5:],
        )
    return supervisor


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, with a timeout, which supervisor's own client does not have."""

    def __init__(self, control: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._control = control

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._control))


def _process_info(info: dict[str, Any]) -> ProcessInfo:
    return ProcessInfo(
        name=info["name"],
        state=info["statename"],
        pid=info["pid"] or None,
        started_at=float(info["start"]),
        fault=info["spawnerr"],
    )
