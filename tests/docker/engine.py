"""Debian's real Docker engine, started by hand for the tests and isolated from everything else on the machine."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.docker.standins import library_path, package
from tests.real_parts import absent

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLONE_NEWNET = 0x40000000
_START_S = 60
_LIBC = ctypes.CDLL(None, use_errno=True)


class DockerEngine:
    """A running dockerd. `environment` makes `docker`, and so stackctl, use it."""

    def __init__(self, home: Path, process: subprocess.Popen[bytes]) -> None:
        self.home = home
        self.environment = engine_environment(home)
        self._process = process

    @property
    def pid(self) -> int:
        """dockerd's own pid, as this process sees it."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return int(children[0])

    def docker(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, check=False, env=os.environ | self.environment
        )
        assert not check or done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """Within it this thread, and every process it starts, is in the engine's network: ports are its ports."""
        with Path("/proc/thread-self/ns/net").open() as mine, Path(f"/proc/{self.pid}/ns/net").open() as theirs:
            _enter(theirs.fileno())
            try:
                yield
            finally:
                _enter(mine.fileno())

    def stop(self) -> None:
        """End dockerd and every container with it; nothing stays."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(30)
        for _ in range(50):
            with contextlib.suppress(OSError):
                shutil.rmtree(self.home)
                break
            time.sleep(0.1)
        groups = Path("/sys/fs/cgroup")  # one tree, or with cgroups of version 1 one per controller
        for controller in [*groups.glob(self.home.name), *groups.glob(f"*/{self.home.name}")]:
            for directory in [*sorted(controller.rglob("*/"), reverse=True), controller]:
                with contextlib.suppress(OSError):
                    directory.rmdir()


def start_engine() -> DockerEngine:
    """Start it, or skip the test loudly; under CI that fails."""
    for missing in _missing():
        absent(missing)
    home = Path(tempfile.mkdtemp(prefix="stackctl-docker-"))
    (home / "world").mkdir()
    (home / "world" / "index.html").write_text("the world\n")
    _set_up_client(home)
    log = (home / "dockerd.log").open("wb")
    namespaces = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    script = str(Path(__file__).with_name("engine.sh"))
    process = subprocess.Popen(
        # The engine ends with the tests, also when they are killed.
        ["setpriv", "--pdeathsig", "KILL", "unshare", *namespaces, "sh", script, str(home), sys.executable],
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
        env=os.environ | engine_environment(home) | {"LD_LIBRARY_PATH": library_path()} | _firewall(),
        start_new_session=True,
    )
    log.close()
    engine = DockerEngine(home, process)
    deadline = time.monotonic() + _START_S
    while not engine.docker("version", "--format", "{{.Server.Version}}", check=False):
        if process.poll() is not None or time.monotonic() > deadline:
            said = (home / "dockerd.log").read_text()[-2000:]
            engine.stop()
            absent(f"dockerd does not start here: {said}")
        time.sleep(0.2)
    return engine


def engine_environment(home: Path) -> dict[str, str]:
    path = os.pathsep.join([str(home / "bin"), os.environ["PATH"]])
    return {"PATH": path, "DOCKER_HOST": f"unix://{home}/docker.sock", "DOCKER_CONFIG": str(home / "config")}


def _missing() -> list[str]:
    if os.geteuid() != 0:
        return ["the Docker engine needs root here"]
    wanted = [package("docker.io") / "usr/sbin/dockerd", plugin(), package("postgresql-15")]
    reasons = [f"{path} is missing: run scripts/parts docker compose" for path in wanted if not path.exists()]
    tools = [tool for tool in ("unshare", "setpriv", "ip", "ps") if not shutil.which(tool)]
    return reasons + [f"{tool} is missing: apt-get install util-linux, or run scripts/parts tools" for tool in tools]


def plugin() -> Path:
    return package("docker-compose") / "usr/libexec/docker/cli-plugins/docker-compose"


def _set_up_client(home: Path) -> None:
    """A PATH with Debian's engine and client first, and Compose as the client's plugin."""
    (home / "bin").mkdir()
    (home / "config" / "cli-plugins").mkdir(parents=True)
    (home / "config" / "cli-plugins" / "docker-compose").symlink_to(plugin())
    (home / "bin" / "docker-init").symlink_to(package("tini") / "usr/bin/tini-static")
    for name in ("docker.io", "containerd", "runc", "tini"):
        for directory in ("usr/bin", "usr/sbin"):
            for program in (package(name) / directory).glob("*"):
                with contextlib.suppress(FileExistsError):
                    (home / "bin" / program.name).symlink_to(program)
    for name in ("iptables", "ip6tables"):
        (home / "bin" / name).symlink_to(package("iptables") / "usr/sbin/xtables-legacy-multi")


def _firewall() -> dict[str, str]:
    return {"XTABLES_LIBDIR": str(package("iptables") / "usr/lib/x86_64-linux-gnu/xtables")}


def _enter(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
