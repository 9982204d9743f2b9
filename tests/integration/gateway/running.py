"""A real gateway process for tests, and a client for it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from tests.ports import free_port

MASTER = "sk-master-for-tests"
PRICE = {"input_usd_per_million_tokens": 2.5, "output_usd_per_million_tokens": 10.0}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
_SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def parsed(page: str) -> Samples:
    """The samples of a metrics page."""
    found = {}
    for line in page.splitlines():
        if (match := _SAMPLE.match(line)) is not None:
            found[match[1], frozenset(_LABEL.findall(match[2] or ""))] = float(match[3])
    return found


def mock_model(name: str, **more: Any) -> dict[str, Any]:
    deployment = {"id": f"{name}-0", "provider": "mock", "model": name, "price": PRICE}
    deployment.update(more.pop("deployment", {}))
    return {"name": name, "deployments": [deployment], **more}


class Running:
    """One gateway. `config` is merged over a small default."""

    def __init__(self, directory: Path, **config: Any) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.state = directory / "state"
        self.config = {
            "version": 1,
            "instance": "test",
            "listen": {"host": "127.0.0.1", "port": self.port},
            "workers": 2,
            "master_key": "file:master-key",
            "models": [mock_model("demo")],
            **config,
        }
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "master-key").write_text(MASTER)
        self.config_file = directory / "gateway.yaml"
        self.log = directory / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(base_url=self.url, timeout=30)

    @staticmethod
    def client(url: str) -> httpx.Client:
        """A client with a connection of its own."""
        return httpx.Client(base_url=url, timeout=30)

    def start(self) -> Running:
        self.launch()
        self.until(self._ready, "the gateway is ready")
        return self

    def launch(self) -> None:
        """Start it and do not wait."""
        self.config_file.write_text(yaml.safe_dump(self.config))
        environment = {k: v for k, v in os.environ.items() if k != "PROMETHEUS_MULTIPROC_DIR"}
        # With PYTHONPATH another gateway than the checkout's may be tested; its processes must not prefer their directory.
        environment["PYTHONSAFEPATH"] = "1"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "gateway",
                    "serve",
                    "--config",
                    self.config_file,
                    "--state",
                    self.state,
                ],
                stderr=log,
                process_group=0,
                env=environment,
            )

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(60)
        self.http.close()
        return code

    def __enter__(self) -> Running:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        self.http.close()

    def children(self, role: str) -> list[psutil.Process]:
        """Processes of a role; their order is that of their start."""
        assert self.process is not None
        found = []
        for process in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess, IndexError):
                slot = process.cmdline()[-1]
                if ("worker" if slot[0] == "w" else slot) == role:
                    found.append(process)
        return sorted(found, key=lambda p: p.create_time())

    def kill(self, process: psutil.Process) -> None:
        os.kill(process.pid, signal.SIGKILL)

    def kill_all(self) -> None:
        """SIGKILL to every process of it at once."""
        assert self.process is not None
        family = psutil.Process(self.process.pid).children()
        self.process.kill()
        for process in family:
            with contextlib.suppress(ProcessLookupError):
                self.kill(process)
        self.process.wait(30)

    def admin(self, method: str, path: str, expect: int = 200, **more: Any) -> Any:
        answer = self.http.request(method, path, headers={"Authorization": f"Bearer {MASTER}"}, **more)
        assert answer.status_code == expect, answer.text
        return answer.json()

    def key(self, **fields: Any) -> str:
        return str(self.admin("POST", "/key/generate", json=fields)["key"])

    def chat(self, key: str, model: str = "demo", **more: Any) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "hello"}], **more}
        return self.http.post("/v1/chat/completions", headers={"Authorization": f"Bearer {key}"}, json=body)

    def samples(self) -> Samples:
        """Every sample of a scrape on a fresh connection."""
        answer = httpx.get(f"{self.url}/metrics", timeout=30)
        assert answer.status_code == 200, answer.text
        return parsed(answer.text)

    def total(self, name: str, **labels: str) -> float:
        """Sum of a metric over the series that have these labels."""
        wanted = set(labels.items())
        return sum(value for (found, pairs), value in self.samples().items() if found == name and wanted <= pairs)

    def until(self, condition: Any, what: str, within: float = 90.0) -> Any:
        """Wait for something that must become true; the bound only keeps a broken test from hanging."""
        end = time.monotonic() + within
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"never: {what}\n{self.log.read_text()}")
            time.sleep(0.02)

    def _ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode}\n{self.log.read_text()}")
        try:
            return self.http.get("/health/readiness").status_code == 200
        except httpx.TransportError:
            return False
