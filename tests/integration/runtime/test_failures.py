"""What goes wrong: killed processes, taken ports, parts that crash, directories and tools that are not there."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackctl.errors import PortTakenError, StartError, ToolMissingError, UnavailableError, UsageError
from stackctl.runtime import down
from stackctl.runtime.processes import processes_of
from stackctl.runtime.processes_runtime import LocalRuntime
from stackctl.runtime.rundir import make_state, remove_run_dir
from stackctl.runtime.status import status
from stackctl.stack import StackDir
from tests.integration.runtime.conftest import Notes, Stack, make_spec

if TYPE_CHECKING:
    from collections.abc import Callable


def eventually(holds: Callable[[], bool]) -> bool:
    """True as soon as it holds; the limit only ends a test that would hang."""
    limit = time.monotonic() + 60
    while not (held := holds()) and time.monotonic() < limit:
        time.sleep(0.1)
    return held


def kill(pid: int | None) -> None:
    assert pid
    os.kill(pid, signal.SIGKILL)


def test_a_killed_part_is_restarted_and_status_tells(stack: Stack) -> None:
    killed = stack.up().part("prometheus").pid
    kill(killed)
    assert eventually(lambda: status(stack.dir, stack.spec).healthy)
    found = status(stack.dir, stack.spec).part("prometheus")
    assert found.pid != killed
    assert found.restarts == 1
    assert "SIGKILL" in str(found.last_exit)


def test_a_killed_supervisor_leaves_orphans_that_the_next_up_replaces(stack: Stack) -> None:
    first = stack.up()
    kill(first.supervisor_pid)
    orphaned = status(stack.dir, stack.spec)
    assert orphaned.state == "degraded"
    assert "without its supervisor" in orphaned.part("gateway").reason
    second = stack.up()
    assert second.healthy
    left = {process.pid for processes in processes_of(stack.dir.state).values() for process in processes}
    assert len(left) == 5
    assert left.isdisjoint({part.pid for part in first.parts})


def test_down_stops_the_orphans_of_a_killed_supervisor(stack: Stack) -> None:
    kill(stack.up().supervisor_pid)
    assert down(stack.dir, Notes()).parts == ("alertmanager", "gateway", "inbox", "prometheus")
    assert processes_of(stack.dir.state) == {}


def test_a_lost_control_socket_is_no_obstacle(stack: Stack) -> None:
    stack.up()
    (stack.dir.state / "runtime.json").unlink()
    remove_run_dir(stack.dir)
    assert stack.up().healthy
    assert sum(map(len, processes_of(stack.dir.state).values())) == 5


def test_a_taken_port_names_its_owner_and_a_free_one(stack: Stack) -> None:
    port = stack.spec.gateway.port
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTakenError) as taken:
        stack.up()
    assert f"port {port} (gateway.port) is taken by " in taken.value.message
    assert f"(pid {os.getpid()})" in taken.value.message
    assert "set gateway.port to a free port such as" in taken.value.remedy
    assert processes_of(stack.dir.state) == {}


def test_a_port_taken_by_another_stack_names_that_stack(make_stack: Callable[..., Stack]) -> None:
    one = make_stack("one")
    one.up()
    ports = tuple(one.spec.ports().values())
    two = make_stack("two", spec=make_spec("two", ports=ports))
    with pytest.raises(PortTakenError, match=f"is taken by the gateway of the stack {one.dir.root}"):
        two.up()


@pytest.mark.parametrize("part", ["gateway", "inbox"])
def test_a_part_that_crashes_at_start_fails_with_its_log_and_stops_the_rest(stack: Stack, part: str) -> None:
    stack.write("stand-in.json", f'{{"crash": "{part}"}}')
    with pytest.raises(StartError, match=rf"^{part} ended while the stack was starting: exit status 1$") as failed:
        stack.up()
    assert f"the {part} stand-in cannot live like this" in failed.value.details
    assert processes_of(stack.dir.state) == {}


def test_a_prometheus_that_refuses_its_configuration_is_named(any_real_parts: str, stack: Stack) -> None:
    stack.write("prometheus/prometheus.yml", "nonsense: true\n")
    with pytest.raises(StartError, match=r"^prometheus ended .*: exit status \d") as failed:
        stack.up()
    assert any("nonsense" in line for line in failed.value.details)
    assert processes_of(stack.dir.state) == {}


def test_a_part_that_never_gets_ready_is_named_with_the_reason(stack: Stack) -> None:
    stack.write("stand-in.json", '{"sick": "gateway"}')
    with pytest.raises(StartError, match="gateway is not ready after 8 s: it says it is starting"):
        stack.up(timeout_s=8)
    assert processes_of(stack.dir.state) == {}


def test_keep_leaves_a_failed_start_running(stack: Stack) -> None:
    stack.write("stand-in.json", '{"crash": "inbox"}')
    with pytest.raises(StartError):
        stack.up(keep=True)
    assert "gateway" in processes_of(stack.dir.state)
    (stack.dir.bundle / "stand-in.json").unlink()
    assert stack.up().healthy


@pytest.mark.parametrize("root", ["/proc/1", "/proc/sys"])
def test_an_unwritable_state_directory_is_one_line(root: str) -> None:
    with pytest.raises(UsageError, match=r"the state directory \S+ cannot be written: "):
        make_state(StackDir(Path(root)))


def test_a_file_where_the_state_directory_should_be_is_one_line(stack: Stack) -> None:
    stack.dir.state.write_text("")
    with pytest.raises(UsageError, match="cannot be written: file exists"):
        stack.up()


def test_a_missing_bundle_says_to_render(stack: Stack) -> None:
    (stack.dir.bundle / "local" / "supervisord.conf").unlink()
    with pytest.raises(UsageError, match="holds no bundle") as missing:
        stack.up()
    assert missing.value.remedy == "run `stackctl render`"


def test_a_restart_of_a_stack_that_never_ran_says_so(stack: Stack) -> None:
    with pytest.raises(UnavailableError, match="this stack is down"):
        LocalRuntime(stack.dir, stack.spec).restart(Notes())


def test_a_missing_prometheus_says_what_to_install(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("STACKCTL_PROMETHEUS")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("STACKCTL_PARTS", str(tmp_path))
    with pytest.raises(ToolMissingError, match="prometheus is not installed") as missing:
        stack.up()
    assert missing.value.remedy == "apt-get install prometheus prometheus-alertmanager, or run scripts/parts stable"
