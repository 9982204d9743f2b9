"""The two gateways with the same two providers, time-outs, retries, rests and fallback."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from bench.gateway_peers.candidates import LITELLM
from bench.gateway_peers.tools import CACHE, BenchError, free_port
from tests.integration.gateway.running import PRICE, Running

WORKERS, RETRIES, FAILURES, REST_S, SILENCE_S = 2, 1, 3, 60, 2
_KEY = "sk-bench-master"
_HOME = CACHE.parent / "litellm" / LITELLM


def peers() -> list[str]:
    """The gateways that can be measured here."""
    return ["ours", *(["litellm"] if (_HOME / "bin" / "litellm").exists() else [])]


@contextlib.contextmanager
def started(name: str, directory: Path, first: int, second: int) -> Iterator[tuple[int, str]]:
    """Port and key of a running gateway: model `main` at two deployments of the first provider, then the second."""
    with (_ours if name == "ours" else _litellm)(directory, first, second) as running:
        yield running


@contextlib.contextmanager
def _ours(directory: Path, first: int, second: int) -> Iterator[tuple[int, str]]:
    limits = {"connect_s": SILENCE_S, "first_byte_s": SILENCE_S, "idle_s": SILENCE_S, "total_s": 60}

    def at(identity: str, port: int) -> dict[str, Any]:
        base = f"http://127.0.0.1:{port}/v1"
        return {"id": identity, "provider": "vllm", "model": "m", "api_base": base, "price": PRICE, "timeouts": limits}

    models = [
        {"name": "main", "fallbacks": ["backup"], "deployments": [at("main-0", first), at("main-1", first)]},
        {"name": "backup", "deployments": [at("backup-0", second)]},
    ]
    routing = {"retries": RETRIES, "allowed_failures": FAILURES, "cooldown_s": REST_S}
    with Running(directory, workers=WORKERS, models=models, routing=routing) as running:
        yield running.port, running.key(key_alias="agents")


@contextlib.contextmanager
def _litellm(directory: Path, first: int, second: int) -> Iterator[tuple[int, str]]:
    def at(name: str, port: int) -> dict[str, Any]:
        return {
            "model_name": name,
            "litellm_params": {
                "model": "openai/m", "api_base": f"http://127.0.0.1:{port}/v1", "api_key": "sk-up",
                "timeout": SILENCE_S, "stream_timeout": SILENCE_S, "input_cost_per_token": 2.5e-06,
                "output_cost_per_token": 1e-05,
            },
        }  # fmt: skip

    # It rests a deployment that failed more often than `allowed_fails` within a minute.
    rest = {"num_retries": RETRIES, "allowed_fails": FAILURES - 1, "cooldown_time": REST_S}
    config = {
        "model_list": [at("main", first), at("main", first), at("backup", second)],
        "router_settings": {**rest, "fallbacks": [{"main": ["backup"]}]},
        "general_settings": {"master_key": _KEY},
    }
    directory.mkdir(parents=True)
    (directory / "config.yaml").write_text(yaml.safe_dump(config))
    port = free_port()
    # Its OpenAI client would try again by itself, at the same deployment and within one try of the router.
    environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "NO_PROXY": "*"}
    environment["DEFAULT_MAX_RETRIES"] = "0"
    command = [str(_HOME / "bin" / "litellm"), "--config", "config.yaml", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--num_workers", str(WORKERS)]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=directory, env={**os.environ, **environment}, process_group=0
        )
    try:
        _until_ready(f"http://127.0.0.1:{port}/health/readiness", process, directory / "log")
        yield port, _KEY
    finally:
        process.terminate()
        try:
            process.wait(45)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Each worker says so for itself, so it must be said many times in a row."""
    said = 0
    end = time.monotonic() + 180
    while said < 20:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                said += answer.status == 200
        except (OSError, urllib.error.URLError):
            said = 0
        if process.poll() is not None or time.monotonic() > end:
            raise BenchError(f"LiteLLM does not start: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.1)
