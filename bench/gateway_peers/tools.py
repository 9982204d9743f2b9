"""The load generator, the fixed upstream and what the processes cost: everything but the gateways themselves."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

CACHE = Path(os.environ.get("STACKCTL_BENCH") or Path.home() / ".cache" / "stackctl" / "bench")
GATEWAY_CORE, LOAD_CORE = 0, 1
CHUNKS = 22
ANSWER = (
    '{"id":"chatcmpl-fixed","object":"chat.completion","created":1,"model":"fake-model-2026","choices":[{"index":0,'
    '"message":{"role":"assistant","content":"' + "word " * 86 + '"},"finish_reason":"stop"}],'
    '"usage":{"prompt_tokens":90,"completion_tokens":86,"total_tokens":176}}'
)


class BenchError(Exception):
    """What is missing or went wrong, and what to do, in one line."""


@dataclass(frozen=True)
class Load:
    """One run of wrk. Times in microseconds; `cpu_s` is what the gateway's process tree used, `others` the cores that
    everything beside gateway, load and upstream kept busy, `host` how much slower than at its best the core was."""

    rps: float
    errors: int
    p50: float
    p99: float
    seconds: float
    requests: int
    cpu_s: float = 0.0
    others: float = 0.0
    host: float = 1.0

    @property
    def per_cpu_second(self) -> float:
        return self.requests / self.cpu_s if self.cpu_s else 0.0


@dataclass(frozen=True)
class Call:
    """What a request of one kind needs."""

    url: str
    model: str
    headers: dict[str, str] = field(default_factory=dict)


def executable(name: str) -> str:
    """An installed tool, or one unpacked from its Debian package below CACHE. Raises BenchError."""
    for path in (shutil.which(name), *(str(CACHE / "debian" / d / name) for d in ("usr/bin", "usr/sbin"))):
        if path and os.access(path, os.X_OK):
            return path
    _unpack()
    for folder in ("usr/bin", "usr/sbin"):
        if os.access(CACHE / "debian" / folder / name, os.X_OK):
            return str(CACHE / "debian" / folder / name)
    raise BenchError(f"{name} is neither installed nor in Debian's packages here")


def _unpack() -> None:
    packages = ("wrk", "nginx", "luajit", "libluajit-5.1-2")
    downloads = CACHE / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", "-qq", *packages], cwd=downloads, check=True)
    for package in downloads.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(CACHE / "debian")], check=True)


def environment() -> dict[str, str]:
    """The environment of unpacked tools."""
    libraries = CACHE / "debian" / "usr" / "lib" / "x86_64-linux-gnu"
    return {**os.environ, "LD_LIBRARY_PATH": str(libraries)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pinned(core: int, command: list[str]) -> list[str]:
    """The command on one core."""
    return ["taskset", "-c", str(core), *command]


def until_open(port: int, process: subprocess.Popen[bytes], within: float = 120.0) -> None:
    """Wait for a port. Raises BenchError."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            raise BenchError(f"ended with code {process.returncode} at its start")
        time.sleep(0.1)
    raise BenchError(f"nothing listens on port {port} after {within:g} s")


def tree_cpu(pid: int) -> float:
    """CPU seconds of a process and all its living descendants, ended and collected ones included."""
    root = psutil.Process(pid)
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


@contextlib.contextmanager
def stopped(pids: Sequence[int]) -> Iterator[None]:
    """Process trees that must not run meanwhile: what an idle gateway does now and then is not another one's latency."""
    trees = [
        process for pid in pids for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))
    ]
    try:
        for process in trees:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        yield
    finally:
        for process in trees:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


def memory_mb(pid: int) -> list[float]:
    """Resident megabytes of a process and of those below it, in the order of their start; none once it has ended."""
    if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
        return []
    root = psutil.Process(pid)
    below = sorted(root.children(recursive=True), key=lambda process: process.create_time())
    return [process.memory_info().rss / 2**20 for process in (root, *below)]


class Upstream:
    """On the load's core nginx with a fixed answer and a small server with a paced stream, each plain and by TLS."""

    def __init__(self, directory: Path) -> None:
        self.plain, self.tls, self.stream, self.tls_stream = (free_port() for _ in range(4))
        self.directory = directory
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def certificate(self) -> Path:
        return self.directory / "tls.crt"

    @property
    def bases(self) -> dict[str, str]:
        """Where each kind of request is answered."""
        return {
            "plain": f"http://127.0.0.1:{self.plain}",
            "tls": f"https://localhost:{self.tls}",
            "stream": f"http://127.0.0.1:{self.stream}",
            "tls-stream": f"https://localhost:{self.tls_stream}",
        }

    def start(self) -> None:
        """Start both. Raises BenchError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        make_certificate(self.directory)
        locations = f"location / {{ default_type application/json; return 200 '{ANSWER}'; }}"
        server = (
            f"listen 127.0.0.1:{self.plain} backlog=2048; listen 127.0.0.1:{self.tls} ssl backlog=2048; {locations}"
        )
        server += f" ssl_certificate {self.directory}/tls.crt; ssl_certificate_key {self.directory}/tls.key;"
        self._processes.append(nginx(self.directory, f"server {{ {server} }}", LOAD_CORE))
        script = Path(__file__).with_name("stream_upstream.py")
        key = self.directory / "tls.key"
        words = [self.stream, self.tls_stream, self.certificate, key]
        self._processes.append(subprocess.Popen(pinned(LOAD_CORE, [sys.executable, str(script), *map(str, words)])))
        for port, process in zip((self.plain, self.stream), self._processes, strict=True):
            until_open(port, process)

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    def stop(self) -> None:
        """Stop both."""
        for process in self._processes:
            process.terminate()
            process.wait(10)


def make_certificate(directory: Path) -> None:
    """A self-signed certificate for localhost and 127.0.0.1."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", str(directory / "tls.key"), "-out", str(directory / "tls.crt")],
        check=True, capture_output=True,
    )  # fmt: skip


def nginx(directory: Path, http: str, core: int) -> subprocess.Popen[bytes]:
    """nginx with one worker in the foreground; nothing of it is outside `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    folders = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{name}_temp_path {directory}/{name}; " for name in folders)
    text = (
        f"daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log crit;\n"
        "events { worker_connections 4096; }\n"
        f"http {{ access_log off; keepalive_requests 100000000; keepalive_timeout 300s; {temporary}\n{http}\n}}\n"
    )
    (directory / "nginx.conf").write_text(text)
    command = [executable("nginx"), "-p", str(directory), "-c", str(directory / "nginx.conf")]
    log = (directory / "stderr").open("ab")
    return subprocess.Popen(pinned(core, command), env=environment(), stderr=log)


_NUMBER = "#"
_UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7}


def wrk(url: str, script: Path, connections: int, seconds: float, pid: int, beside: Sequence[int]) -> Load:
    """Load from the load's core; `pid` is the gateway's tree, `beside` are the upstream's. Raises BenchError."""
    command = [executable("wrk"), "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s", "--latency"]
    started, before, machine = time.monotonic(), tree_cpu(pid), _busy() - _our_own(beside)
    done = subprocess.run(
        pinned(LOAD_CORE, [*command, "-s", str(script), url]),
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"wrk says: {(done.stderr or done.stdout).strip()[-300:]}")
    took = time.monotonic() - started
    cpu = tree_cpu(pid) - before
    return _parsed(done.stdout, cpu, max((_busy() - _our_own(beside) - machine - cpu) / took, 0.0))


def _our_own(beside: Sequence[int]) -> float:
    """CPU seconds of the upstream and of every wrk so far."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(map(tree_cpu, beside)) + ended.ru_utime + ended.ru_stime


def _busy() -> float:
    """CPU seconds used by everything on the machine so far."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def _parsed(text: str, cpu: float, machine: float) -> Load:
    def found(pattern: str) -> tuple[str, ...]:
        match = re.search(pattern, text)
        if match is None:
            raise BenchError(f"wrk says: {text[-300:]}")
        return match.groups()

    requests, seconds, unit = found(r"(\d+) requests in ([\d.]+)(us|ms|s|m),")
    percentiles = {p: float(v) * _UNITS[u] for p, v, u in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s|m)", text)}
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    lost = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    errors = int(bad[1]) if bad else 0
    errors += sum(map(int, lost.groups())) if lost else 0
    took = float(seconds) * _UNITS[unit] / 1e6
    return Load(int(requests) / took, errors, percentiles["50"], percentiles["99"], took, int(requests), cpu, machine)


def request_body(model: str, stream: bool, question: str = "Say hello.") -> dict[str, Any]:
    """A chat request of about 500 bytes."""
    text = "You are a careful assistant. " * 12
    messages = [{"role": "system", "content": text}, {"role": "user", "content": question}]
    return {"model": model, "messages": messages, "temperature": 0.2, **({"stream": True} if stream else {})}


def script(path: Path, call: Call, stream: bool, unlike: bool = False) -> Path:
    """A wrk script that posts one chat request, if `unlike` another one each time."""
    body = json.dumps(request_body(call.model, stream, f"Say hello{_NUMBER * unlike}."))
    lines = ['wrk.method = "POST"', f"wrk.body = '{body}'", 'wrk.headers["Content-Type"] = "application/json"']
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in call.headers.items()]
    if unlike:
        begin, end = body.split(_NUMBER)
        # What an earlier run left in a cache must not be found either.
        lines += [f"local run, n, begin, last = os.time() .. ' ', 0, '{begin}', '{end}'"]
        lines += ["function request() n = n + 1; return wrk.format(nil, nil, nil, begin .. run .. n .. last) end"]
    path.write_text("\n".join(lines) + "\n")
    return path
