"""A stack's whole life on a real Docker engine: init, up, validate, status, a kill, changes, a second stack, down."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from stackctl import __version__
from stackctl.runtime.compose.context import build_arguments, write_context
from tests.command import EXECUTABLE, Finished, stackctl
from tests.integration.compose.conftest import UP_S, ComposeStack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


# One engine for all: with --dist loadgroup these tests stay in one process. A marker given by a conftest comes too late.
pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("docker")]
WORLD = "http://203.0.113.1:8080/"
SERVICES = ("gateway", "prometheus", "alertmanager", "inbox", "grafana")


@pytest.fixture(scope="module")
def stack(new_stack: Callable[[str], ComposeStack]) -> ComposeStack:
    """A running stack; the gateway's image was built from the Dockerfile for it."""
    made = new_stack("first")
    before = sorted(made.root.rglob("*"))
    planned = made.run("up", "--dry-run", "--json").envelope["data"]
    assert {"image": f"stackctl/stackctl:{__version__}", "action": "build"} in planned["images"]
    assert {step["action"] for step in planned["services"]} == {"create"}
    assert sorted(made.root.rglob("*")) == before, "it only says what would be"
    started = made.run("up")
    assert started.code == 0, started.err
    assert "building stackctl/stackctl:" in started.err
    assert "✓ wait until every part is healthy" in started.err
    return made


@dataclass(frozen=True)
class Meanwhile:
    """What takes its time and needs no hands: two proofs, and the image built once more."""

    proof: Future[Finished]
    foreign: Future[Finished]
    layers: Future[str]


@pytest.fixture(scope="module")
def meanwhile(stack: ComposeStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meanwhile]:
    with ThreadPoolExecutor(3) as pool:
        proof = pool.submit(stack.run, "validate", "--json")
        foreign = pool.submit(prove_by_urls, stack, tmp_path_factory.mktemp("foreign"))
        layers = pool.submit(build_again, stack, tmp_path_factory.mktemp("again") / "context")
        yield Meanwhile(proof, foreign, layers)


def prove_by_urls(stack: ComposeStack, directory: Path) -> Finished:
    parts = [
        word for part in ("gateway", "prometheus", "alertmanager", "inbox") for word in (f"--{part}", stack.url(part))
    ]
    key = ("--master-key", f"file:{stack.root / 'secrets/gateway-master-key'}")
    one = ("--scraped-as", "http://gateway:4000", "--alert", "LitellmKeyBudget80")
    return stackctl("validate", "-C", directory, *parts, *key, *one, "--json", timeout=UP_S)


def build_again(stack: ComposeStack, context: Path) -> str:
    write_context(context)
    arguments = [word for pair in build_arguments().items() for word in ("--build-arg", "=".join(pair))]
    stack.engine.docker("build", "--no-cache", "-q", "-t", "stackctl/again:1", *arguments, str(context))
    return layers_of(stack, "stackctl/again:1")


def layers_of(stack: ComposeStack, image: str) -> str:
    return stack.engine.docker("inspect", "-f", "{{json .RootFS.Layers}}", image)


def test_the_delivery_of_alerts_is_proven(meanwhile: Meanwhile) -> None:
    proof = meanwhile.proof.result()
    assert proof.code == 0, proof.err or proof.out
    assert {alert["outcome"] for alert in proof.envelope["data"]["alerts"]} == {"proven"}


def test_a_stack_that_somebody_else_started_is_proven_by_its_urls(meanwhile: Meanwhile) -> None:
    done = meanwhile.foreign.result()
    assert done.code == 0, done.err or done.out
    assert [alert["alert"] for alert in done.envelope["data"]["alerts"]] == ["LitellmKeyBudget80"]


def test_the_same_context_builds_the_same_layers(stack: ComposeStack, meanwhile: Meanwhile) -> None:
    """The classic builder dates the image itself, so its id differs; every byte and time in it is the same."""
    assert meanwhile.layers.result() == layers_of(stack, f"stackctl/stackctl:{__version__}")


def test_status_tells_everything_from_any_terminal(stack: ComposeStack) -> None:
    state = stack.run("status", "-o", "json").envelope["data"]
    assert {part["name"]: (part["state"], part["healthy"]) for part in state["parts"]} == dict.fromkeys(
        SERVICES, ("running", True)
    )
    assert all(part["image"] and part["digest"].startswith("sha256:") for part in state["parts"])
    told = dict(line.split("=", 1) for line in stack.run("status", "-o", "env").out.splitlines())
    assert told["STACKCTL_GATEWAY_URL"] == stack.url("gateway")


@pytest.mark.parametrize("service", SERVICES)
def test_every_container_is_confined(stack: ComposeStack, service: str) -> None:
    assert stack.inside(service, "id", "-u") != "0"
    status = dict(
        line.split(":\t") for line in stack.inside(service, "cat", "/proc/self/status").splitlines() if ":\t" in line
    )
    assert {status[name] for name in ("CapEff", "CapPrm", "CapInh", "CapBnd")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    for path in ("/written", "/etc/written", "/usr/written"):
        stack.inside(service, "touch", path, check=False)
        assert "written" not in stack.inside(service, "ls", path.rpartition("/")[0] or "/", check=False)
    root = next(line for line in stack.inside(service, "cat", "/proc/mounts").splitlines() if line.split()[1] == "/")
    assert "ro" in root.split()[3].split(",")
    host = stack.inspect(service)["HostConfig"]
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    assert host["LogConfig"]["Config"]["max-size"]


def test_the_metrics_directory_is_memory_of_the_gateway_alone(stack: ComposeStack) -> None:
    mounts = [line.split() for line in stack.inside("gateway", "cat", "/proc/mounts").splitlines()]
    assert [words[2] for words in mounts if words[1] == "/run/metrics"] == ["tmpfs"]
    assert any(name.endswith(".db") for name in stack.inside("gateway", "ls", "/run/metrics").splitlines())


def reaches_the_world(stack: ComposeStack, service: str) -> bool:
    # Not `wget -T`: with it, Debian's busybox ends with a segmentation fault whatever the network is like.
    return "the world" in stack.inside(service, "timeout", "3", "wget", "-q", "-O", "-", WORLD, check=False)


def test_only_the_gateway_and_alertmanager_reach_the_world(stack: ComposeStack) -> None:
    assert {service: reaches_the_world(stack, service) for service in SERVICES} == {
        service: service in ("gateway", "alertmanager") for service in SERVICES
    }


def test_ports_are_published_on_the_loopback_only(stack: ComposeStack) -> None:
    published = [
        binding["HostIp"]
        for service in SERVICES
        for bindings in stack.inspect(service)["NetworkSettings"]["Ports"].values()
        for binding in bindings or ()
    ]
    assert len(published) == len(SERVICES)
    assert set(published) == {"127.0.0.1"}


def test_no_secret_is_seen_in_files_environments_or_command_lines(stack: ComposeStack) -> None:
    secrets = [path.read_text().strip() for path in (stack.root / "secrets").iterdir()]
    assert len(secrets) >= 2
    shown = "".join(path.read_text() for path in (stack.root / "bundle").rglob("*") if path.is_file())
    shown += "".join(json.dumps(stack.inspect(service)) for service in SERVICES)
    shown += "".join(
        stack.engine.docker("top", stack.container(service), "-ww", "-eo", "pid,args") for service in SERVICES
    )
    assert not [secret for secret in secrets if secret in shown]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (stack.root / "secrets").iterdir())
    assert (stack.root / ".stackctl/compose/secrets").stat().st_mode & 0o077 == 0


def grafana(stack: ComposeStack, path: str) -> Any:
    """What Grafana, or its stand-in, answers to the admin."""
    password = (stack.root / "secrets/grafana-password").read_text().strip()
    answer = httpx.get(f"{stack.url('grafana')}{path}", auth=("admin", password), trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_grafana_has_its_own_password_and_its_dashboards(stack: ComposeStack) -> None:
    assert httpx.get(f"{stack.url('grafana')}/api/search", auth=("admin", "admin"), trust_env=False).status_code == 401
    found = {each["uid"] for each in grafana(stack, "/api/search")}
    files = list((stack.root / "bundle/grafana/dashboards").glob("*.json"))
    assert found == {json.loads(file.read_text())["uid"] for file in files}
    assert files


def test_grafana_reads_a_data_source_of_a_fixed_uid_that_answers(stack: ComposeStack) -> None:
    (source,) = grafana(stack, "/api/datasources")
    assert (source["uid"], source["isDefault"], source["jsonData"]["timeInterval"]) == (
        "stackctl-prometheus",
        True,
        "15s",
    )
    asked = grafana(stack, f"/api/datasources/proxy/uid/{source['uid']}/api/v1/query?query=prometheus_build_info")
    assert asked["data"]["result"][0]["metric"]["job"] == "prometheus"


def test_grafana_lets_nobody_sign_up_and_reports_to_nobody(stack: ComposeStack) -> None:
    settings = grafana(stack, "/api/admin/settings")
    assert settings["users"]["allow_sign_up"] == "false"
    assert settings["auth"]["anonymous_enabled"] == "false"
    assert {name for name, value in settings["analytics"].items() if value == "false"} >= {
        *("reporting_enabled", "check_for_updates", "check_for_plugin_updates"),
    }


def test_a_killed_container_recovers(stack: ComposeStack) -> None:
    before = stack.inspect("gateway")["State"]["Pid"]
    # From outside the container: a `docker kill` counts as a wish, after which Docker leaves it stopped.
    stack.inside("gateway", "python", "-c", "import os, signal; os.kill(1, signal.SIGTERM)", check=False)
    deadline = time.monotonic() + 90
    while stack.inspect("gateway")["State"]["Pid"] in (before, 0) or stack.run("status").code != 0:
        assert time.monotonic() < deadline, stack.run("status").out
        time.sleep(0.5)
    gateway = next(
        part for part in stack.run("status", "--json").envelope["data"]["parts"] if part["name"] == "gateway"
    )
    assert gateway["restarts"] >= 1


def test_a_second_up_changes_nothing_and_a_change_recreates_only_its_own_container(stack: ComposeStack) -> None:
    before = stack.containers()
    assert stack.run("up").code == 0
    assert stack.containers() == before
    stack.change("retention: 7d", "retention: 6d")
    steps = stack.run("up", "--dry-run", "--json").envelope["data"]["services"]
    assert {step["service"] for step in steps if step["action"] == "recreate"} == {"prometheus"}
    assert stack.containers() == before
    assert stack.run("up").code == 0
    assert {service for service, id_ in stack.containers().items() if id_ != before[service]} == {"prometheus"}


def test_a_changed_secret_recreates_the_container_that_reads_it(stack: ComposeStack) -> None:
    before = stack.containers()
    (stack.root / "secrets/grafana-password").write_text("another-password-altogether\n")
    planned = stack.run("up", "--dry-run", "--json").envelope["data"]
    assert {step["service"] for step in planned["services"] if step["action"] == "recreate"} == {"grafana"}
    assert (planned["files"], planned["images"], planned["secrets"]) == ([], [], [])
    assert "another" not in stack.inside("grafana", "cat", "/run/secrets/grafana-password"), (
        "it only says what would be"
    )
    assert stack.run("up").code == 0
    assert {service for service, id_ in stack.containers().items() if id_ != before[service]} == {"grafana"}


def test_doctor_finds_nothing_wrong_and_its_archive_holds_no_secret(stack: ComposeStack, tmp_path: Path) -> None:
    import tarfile

    archive = tmp_path / "support.tar.gz"
    # A part that was just made anew is down for Prometheus until it has been scraped again.
    deadline = time.monotonic() + 90
    while (done := stack.run("doctor", "--bundle", archive, "--json")).code and time.monotonic() < deadline:
        if {problem["id"] for problem in done.envelope["problems"]} != {"doctor/target-down"}:
            break
        archive.unlink(missing_ok=True)
        time.sleep(2)
    assert done.code == 0, done.envelope["problems"]
    with tarfile.open(archive) as tar:
        texts = {member.name: (tar.extractfile(member) or tar).read().decode() for member in tar.getmembers()}  # type: ignore[union-attr]
    assert {"stackctl-support/stack.yaml", "stackctl-support/logs.txt", "stackctl-support/facts.json"} <= texts.keys()
    secrets = [path.read_text().strip() for path in (stack.root / "secrets").iterdir()]
    assert not [secret for secret in secrets for text in texts.values() if secret in text]


def test_doctor_measures_the_volumes_from_inside(stack: ComposeStack) -> None:
    assert disks(stack) == ({}, {"disk space of prometheus, gateway": "ok"})
    with small_disk(stack, "prometheus", "/prometheus", mib=400):
        found, seen = disks(stack)
        assert set(seen) == {"disk space of prometheus", "disk space of gateway"}
        assert found == {"prometheus:/prometheus": "warning"}, "its cap is larger than the disk"
        stack.inside("prometheus", "/bin/busybox", "dd", "if=/dev/zero", "of=/prometheus/filler", "bs=1M", "count=150")
        assert disks(stack)[0] == {"prometheus:/prometheus": "error"}
    assert disks(stack)[0] == {}


def disks(stack: ComposeStack) -> tuple[dict[str, str], dict[str, str]]:
    """Findings about disks, place → severity, and what was looked at with its verdict."""
    envelope = stack.run("doctor", "--json").envelope
    found = {each["file"]: each["severity"] for each in envelope["problems"] if each["id"] == "doctor/disk-space"}
    rows = (row for row in envelope["data"]["checked"] if row["what"].startswith("disk space"))
    return found, {row["what"].partition(":")[0]: row["verdict"] for row in rows}


@contextlib.contextmanager
def small_disk(stack: ComposeStack, service: str, directory: str, mib: int) -> Iterator[None]:
    """Another file system over a container's directory; who has files open there keeps them."""
    pid = stack.inspect(service)["State"]["Pid"]
    inside = ["nsenter", "-t", str(stack.engine.pid), "-m", "-p", "nsenter", "-t", str(pid), "-m", "/bin/busybox"]
    options = ["-t", "tmpfs", "-o", f"size={mib}m,mode=1777", "tmpfs"]
    subprocess.run([*inside, "mount", *options, directory], check=True)
    try:
        yield
    finally:
        subprocess.run([*inside, "umount", directory], check=True)


def test_two_stacks_live_side_by_side(stack: ComposeStack, second: ComposeStack) -> None:
    assert stack.run("status").code == 0
    assert second.run("status").code == 0
    assert set(stack.containers()) < set(second.containers())
    assert set(stack.containers().values()).isdisjoint(second.containers().values())
    networks = ("network", "ls", "-q", "--filter")
    mine, its = (
        set(stack.engine.docker(*networks, f"label=com.docker.compose.project={name}").split())
        for name in (stack.name, second.name)
    )
    assert mine
    assert its
    assert mine.isdisjoint(its)


def test_a_taken_port_names_the_container_or_the_process(
    stack: ComposeStack, new_stack: Callable[[str], ComposeStack]
) -> None:
    third = new_stack("third")
    third.change(f"port: {third.ports['prometheus']}", f"port: {stack.ports['prometheus']}")
    refused = third.run("up", "--json")
    assert refused.code == 3
    assert "taken by the container first-prometheus-1" in refused.envelope["problems"][0]["message"]
    third.change(f"port: {stack.ports['prometheus']}", f"port: {third.ports['prometheus']}")
    with socket.create_server(("127.0.0.1", third.ports["grafana"])):
        refused = third.run("up", "--json")
    assert refused.code == 3
    assert "grafana.port" in refused.envelope["problems"][0]["message"]
    assert "(pid " in refused.envelope["problems"][0]["message"]


def test_a_part_that_cannot_start_is_told_with_its_last_words_and_removed_again(
    new_stack: Callable[[str], ComposeStack],
) -> None:
    broken = new_stack("broken")
    (broken.root / "secrets/gateway-master-key").write_text("two words\n")
    failed = broken.run("up")
    assert failed.code == 1
    # On a busy machine it may have been started again and again before anybody looks for the first time.
    assert "gateway keeps ending" in failed.err or "gateway ended with exit code" in failed.err
    assert "gateway-master-key holds a space" in failed.err
    assert "stackctl logs gateway" in failed.err
    assert broken.containers() == {}


def test_logs_follow_until_they_are_left(stack: ComposeStack) -> None:
    command = [EXECUTABLE, "logs", "gateway", "-f", "-n", "1", "-C", stack.root]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert "gateway-1" in following.stdout.readline()
        assert following.poll() is None
        following.send_signal(signal.SIGINT)
        following.stdout.read()
        assert following.wait(30) == 130


def test_logs_and_restart_work_on_one_part(stack: ComposeStack) -> None:
    assert "level=" in stack.run("logs", "prometheus", "-n", 5).out
    before = stack.inspect("inbox")["State"]["StartedAt"]
    assert stack.run("restart", "inbox").code == 0
    assert stack.inspect("inbox")["State"]["StartedAt"] != before


def answered(answer: str, *arguments: object) -> str:
    """What the command says on a terminal where somebody types `answer`."""
    mine, its = pty.openpty()
    with subprocess.Popen([EXECUTABLE, *map(str, arguments)], stdin=its, stdout=its, stderr=its) as asking:
        os.close(its)
        os.write(mine, f"{answer}\n".encode())
        said = b""
        with contextlib.suppress(OSError):  # how a terminal says that the other side is gone
            while text := os.read(mine, 4096):
                said += text
        assert asking.wait(60) != 0
    os.close(mine)
    return said.decode()


def test_down_keeps_the_data_unless_told_otherwise(stack: ComposeStack) -> None:
    def volumes() -> list[str]:
        return stack.engine.docker("volume", "ls", "-q", "--filter", "name=first_").splitlines()

    assert stack.run("down").code == 0
    assert stack.containers() == {}
    assert volumes()
    assert not (stack.root / ".stackctl/compose/secrets").exists()
    for command in ("restart", "restart prometheus", "logs"):
        refused = stack.run(command)
        assert refused.code == 3, command
        assert "it is down" in refused.err
    assert stack.run("down", "--volumes").code == 2
    said = answered("n", "down", "--volumes", "-C", stack.root)
    assert "Remove the ledger and every metric of this stack?" in said
    assert "left as it is" in said
    assert volumes()
    assert stack.run("down", "--volumes", "--yes").code == 0
    assert volumes() == []
