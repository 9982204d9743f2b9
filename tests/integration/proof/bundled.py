"""The bundled gateway with its canary, on a free port: the only mocked thing is the provider."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx
import yaml

from stackctl.client import GatewayClient
from stackctl.spec.model import CANARY_MODEL, TEST_PREFIX
from tests.ports import free_port

MASTER_KEY = "sk-master-of-the-proof-tests"


class BundledGateway:
    """Starts with its context; `canaries` tells what tests left in it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._root.mkdir(exist_ok=True)
        (self._root / "master-key").write_text(MASTER_KEY, encoding="utf-8")
        (self._root / "master-key").chmod(0o600)
        (self._root / "gateway.yaml").write_text(yaml.safe_dump(self._config()), encoding="utf-8")
        command = [sys.executable, "-m", "gateway", "serve", "--config", "gateway.yaml", "--state", "state"]
        with (self._root / "gateway.log").open("wb") as log:
            self._process = subprocess.Popen(command, cwd=self._root, stdout=log, stderr=log)
        self._wait()
        return self

    def __exit__(self, *_exc: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(30)

    def canaries(self) -> set[str]:
        """The names of test teams and keys that exist now."""
        with GatewayClient(self.url, MASTER_KEY) as client:
            names = {team.alias for team in client.list_teams()} | {key.alias for key in client.list_keys()}
        return {name for name in names if name.startswith(TEST_PREFIX)}

    def _config(self) -> dict[str, object]:
        canary = {
            "id": "canary",
            "provider": "mock",
            "model": CANARY_MODEL,
            "price": {"input_usd_per_million_tokens": 10.0, "output_usd_per_million_tokens": 10.0},
        }
        return {
            "version": 1,
            "instance": "proof",
            "listen": {"host": "127.0.0.1", "port": self.port},
            "workers": 1,
            "master_key": "file:master-key",
            "models": [{"name": CANARY_MODEL, "hidden": True, "deployments": [canary]}],
        }

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health/readiness", trust_env=False).is_success:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"the gateway did not start: {(self._root / 'gateway.log').read_text()[-800:]}")
