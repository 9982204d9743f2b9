"""The gateways: how each is installed, configured and started. Each gets the same upstream and the same request."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.gateway_peers.compiled import compiled
from bench.gateway_peers.tools import (
    CACHE,
    GATEWAY_CORE,
    BenchError,
    Call,
    Upstream,
    free_port,
    nginx,
    pinned,
    until_open,
)

LITELLM = "1.102.4"
PORTKEY = "1.15.2"
TENSORZERO = "2026.6.0"
MODEL = "fake"
KEYS = int(os.environ.get("BENCH_KEYS", "10000"))
_MASTER = "sk-bench-master"
_CHECKOUT = Path(__file__).parents[2]
# What is measured where nothing else is asked for.
USUAL = ("ours", "ours-guarded", "nginx", "tensorzero", "portkey", "litellm", "litellm-prometheus")


@dataclass
class Running:
    """A started gateway and its calls by kind: plain, tls, stream, tls-stream; TLS is that of the upstream."""

    process: subprocess.Popen[bytes]
    calls: dict[str, Call]
    # The processes below the first one, in the order of their start; without it all are alike.
    roles: tuple[str, ...] = ()
    metrics: str = ""
    # Whether every request is to be another one.
    unlike: bool = False


Starter = Callable[[Path, Upstream], Running]


def start(directory: Path, command: list[str], **environment: str) -> subprocess.Popen[bytes]:
    """Start on the gateway's core with output in `directory`/log."""
    log = (directory / "log").open("ab")
    return subprocess.Popen(
        pinned(GATEWAY_CORE, command), stdout=log, stderr=log, cwd=directory, env={**os.environ, **environment}
    )


def ours(directory: Path, upstream: Upstream) -> Running:
    """The bundled gateway with everything on: 10,000 keys, budget, rpm limit, metrics, ledger. From a compiled wheel."""
    return _ours(directory, upstream, {}, compiled())


def ours_interpreted(directory: Path, upstream: Upstream) -> Running:
    """The same from the checkout, where nothing is compiled."""
    return _ours(directory, upstream, {}, _CHECKOUT)


def ours_guarded(directory: Path, upstream: Upstream) -> Running:
    """The same with a cache of 32 MB and the loop guard. No request is like another: each is looked for and then kept."""
    more = {"cache": {"backend": "memory", "most_bytes": 32 << 20}, "loop_guard": {"action": "observe"}}
    return dataclasses.replace(_ours(directory, upstream, more, compiled()), unlike=True)


def _ours(directory: Path, upstream: Upstream, more: dict[str, Any], code: Path) -> Running:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    price = {"input_usd_per_million_tokens": 2.5, "output_usd_per_million_tokens": 10.0}
    models = [
        {
            "name": model_of(kind),
            "deployments": [
                {"id": model_of(kind), "provider": "openai", "model": "fake-model-2026", "api_base": f"{base}/v1",
                 "api_key": "env:UP", "price": price}
            ],
        }
        for kind, base in upstream.bases.items()
    ]  # fmt: skip
    config = {
        "version": 1,
        "instance": "bench",
        "listen": {"host": "127.0.0.1", "port": port},
        "workers": 1,
        "master_key": "env:MASTER",
        "models": models,
        "teams": [{"name": "bench", "budget": {"usd": 1_000_000_000}}],
        **more,
    }
    (directory / "gateway.yaml").write_text(yaml.safe_dump(config))
    command = [
        sys.executable,
        "-m",
        "gateway",
        "serve",
        "--config",
        "gateway.yaml",
        "--state",
        str(directory / "state"),
    ]
    environment = {
        "UP": "sk-up", "MASTER": _MASTER, "SSL_CERT_FILE": str(upstream.certificate), "PYTHONPATH": str(code),
    }  # fmt: skip
    # Ten thousand keys are minutes of work: their books are kept and copied.
    books = CACHE / "books" / f"{KEYS}-{_schema()}"
    if not (books / "secret").exists():
        process = _serving(directory, command, environment, port)
        secret = _keys(url)
        process.terminate()
        process.wait(60)
        books.mkdir(parents=True, exist_ok=True)
        shutil.copy(directory / "state" / "ledger.sqlite", books / "ledger.sqlite")
        (books / "secret").write_text(secret)
    (directory / "state").mkdir(mode=0o700, exist_ok=True)
    shutil.copy(books / "ledger.sqlite", directory / "state" / "ledger.sqlite")
    process = _serving(directory, command, environment, port)
    secret = (books / "secret").read_text()
    roles = ("accountant", "exporter", "worker")
    calls = _by_model(f"{url}/v1/chat/completions", {"Authorization": f"Bearer {secret}"}, upstream)
    return Running(process, calls, roles=roles, metrics=f"{url}/metrics")


def model_of(kind: str) -> str:
    """The name of the model whose upstream answers requests of a kind."""
    return MODEL if kind == "plain" else f"{MODEL}-{kind}"


def _by_model(url: str, headers: dict[str, str], upstream: Upstream, prefix: str = "") -> dict[str, Call]:
    return {kind: Call(url, prefix + model_of(kind), headers) for kind in upstream.bases}


def _schema() -> str:
    """Changes whenever books of another making would not fit."""
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parents[2] / "gateway" / "ledger" / "migrations").rglob("*.sql")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _serving(directory: Path, command: list[str], environment: dict[str, str], port: int) -> subprocess.Popen[bytes]:
    process = start(directory, command, **environment)
    until_open(port, process)
    _until_ready(f"http://127.0.0.1:{port}/health/readiness", process)
    return process


def _until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if answer.status == 200:
                return
        if process.poll() is not None:
            raise BenchError(f"ended with code {process.returncode} at its start")
        time.sleep(0.1)
    raise BenchError(f"{url} never says that it is ready")


def _keys(url: str) -> str:
    """Make the keys; the one in the middle is used."""
    secret = ""
    for number in range(KEYS):
        fields = {"key_alias": f"key-{number:05d}", "max_budget": 1_000_000, "rpm_limit": 100_000_000}
        headers = {"Authorization": f"Bearer {_MASTER}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{url}/key/generate", json.dumps(fields).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                made = json.load(answer)["key"]
        except urllib.error.HTTPError as error:
            raise BenchError(f"key {number}: {error.code} {error.read().decode()[:300]}") from None
        secret = made if number == KEYS // 2 else secret
    return secret


def reverse_proxy(directory: Path, upstream: Upstream) -> Running:
    """nginx as a plain reverse proxy: the limit of what a gateway could reach."""
    port = free_port()
    common = 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Authorization "Bearer sk-up";'
    server = f"listen 127.0.0.1:{port} backlog=2048; {common} proxy_ssl_verify off;\n"
    pools = ""
    for kind, base in upstream.bases.items():
        scheme, _, place = base.partition("://")
        pools += f"upstream {kind} {{ server {place}; keepalive 128; }}\n"
        buffering = "off" if "stream" in kind else "on"
        server += f"location /{kind}/ {{ proxy_buffering {buffering}; proxy_pass {scheme}://{kind}/; }}\n"
    process = nginx(directory, f"{pools}server {{ {server} }}", GATEWAY_CORE)
    until_open(port, process)
    paths = {kind: f"http://127.0.0.1:{port}/{kind}/v1/chat/completions" for kind in upstream.bases}
    return Running(process, {kind: Call(path, model_of(kind)) for kind, path in paths.items()})


def _litellm(directory: Path, upstream: Upstream, callbacks: list[str]) -> Running:
    home = CACHE.parent / "litellm" / LITELLM
    if not (home / "bin" / "litellm").exists():
        _venv(home, f"litellm[proxy]=={LITELLM}", "prometheus_client")
    port = free_port()
    models = [
        {
            "model_name": model_of(kind),
            "litellm_params": {
                "model": "openai/fake-model-2026", "api_base": f"{base}/v1", "api_key": "sk-up",
                "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05,
            },
        }
        for kind, base in upstream.bases.items()
    ]  # fmt: skip
    settings = {"callbacks": callbacks} if callbacks else {}
    config = {"model_list": models, "litellm_settings": settings, "general_settings": {"master_key": _MASTER}}
    (directory / "config.yaml").write_text(yaml.safe_dump(config))
    environment = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "NO_PROXY": "*",
        "SSL_CERT_FILE": str(upstream.certificate),
    }  # fmt: skip
    if callbacks:
        (directory / "multiproc").mkdir(exist_ok=True)
        environment["PROMETHEUS_MULTIPROC_DIR"] = str(directory / "multiproc")
    command = [str(home / "bin" / "litellm"), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    process = start(directory, command, **environment)
    until_open(port, process)
    headers = {"Authorization": f"Bearer {_MASTER}"}
    return Running(process, _by_model(f"http://127.0.0.1:{port}/v1/chat/completions", headers, upstream))


def litellm(directory: Path, upstream: Upstream) -> Running:
    """The LiteLLM proxy, one worker, without a database."""
    return _litellm(directory, upstream, [])


def litellm_prometheus(directory: Path, upstream: Upstream) -> Running:
    """The same with its prometheus callback and a multiprocess directory."""
    return _litellm(directory, upstream, ["prometheus"])


def portkey(directory: Path, upstream: Upstream) -> Running:
    """Portkey's open-source gateway on Node."""
    home = CACHE / "portkey"
    script = home / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    if not script.exists():
        if shutil.which("npm") is None:
            raise BenchError("npm is not installed")
        package = f"@portkey-ai/gateway@{PORTKEY}"
        subprocess.run(
            ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(home), package], check=True
        )
    port = free_port()
    environment = {"TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost", "NODE_EXTRA_CA_CERTS": str(upstream.certificate)}
    process = start(directory, ["node", str(script), f"--port={port}", "--headless"], **environment)
    until_open(port, process)
    headers = {"Authorization": "Bearer sk-up", "x-portkey-provider": "openai"}
    path = f"http://127.0.0.1:{port}/v1/chat/completions"
    return Running(
        process,
        {
            kind: Call(path, model_of(kind), headers | {"x-portkey-custom-host": f"{base}/v1"})
            for kind, base in upstream.bases.items()
        },
    )


_TENSORZERO = """
import asyncio, sys
from tensorzero import AsyncTensorZeroGateway
import tensorzero
async def main():
    made = tensorzero.tensorzero._start_http_gateway(config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=True)
    gateway = await made if hasattr(made, "__await__") else made
    print(gateway.base_url, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def tensorzero(directory: Path, upstream: Upstream) -> Running:
    """TensorZero's gateway (Rust), the HTTP server that its Python wheel embeds; observability off."""
    home = CACHE / "tensorzero"
    if not (home / "bin" / "python").exists():
        _venv(home, f"tensorzero=={TENSORZERO}")
    text = "[gateway]\nobservability.enabled = false\n"
    for kind, base in upstream.bases.items():
        name = model_of(kind)
        text += f'[models.{name}]\nrouting = ["up"]\n[models.{name}.providers.up]\ntype = "openai"\n'
        text += f'model_name = "fake-model-2026"\napi_base = "{base}/v1/"\n'
    (directory / "tensorzero.toml").write_text(text)
    command = [str(home / "bin" / "python"), "-c", _TENSORZERO, "tensorzero.toml"]
    process = start(directory, command, OPENAI_API_KEY="sk-up", SSL_CERT_FILE=str(upstream.certificate))
    url = f"{_said_url(directory / 'log', process)}/chat/completions"
    return Running(process, _by_model(url, {}, upstream, "tensorzero::model_name::"))


def _said_url(log: Path, process: subprocess.Popen[bytes]) -> str:
    for _ in range(300):
        for line in log.read_text().splitlines():
            if line.startswith("http://"):
                return line.strip().rstrip("/").replace("0.0.0.0", "127.0.0.1")
        if process.poll() is not None:
            raise BenchError(f"ended with code {process.returncode}: {log.read_text()[-300:]}")
        time.sleep(0.1)
    raise BenchError("it does not say where it listens")


def _venv(home: Path, *packages: str) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    subprocess.run([str(home / "bin" / "pip"), "install", "-q", *packages], check=True)


CANDIDATES: dict[str, Starter] = {
    "ours": ours,
    "ours-interpreted": ours_interpreted,
    "ours-guarded": ours_guarded,
    "nginx": reverse_proxy,
    "tensorzero": tensorzero,
    "portkey": portkey,
    "litellm": litellm,
    "litellm-prometheus": litellm_prometheus,
}


@contextlib.contextmanager
def started(name: str, directory: Path, upstream: Upstream) -> Iterator[Running]:
    """A candidate while it runs."""
    directory.mkdir(parents=True, exist_ok=True)
    try:
        running = CANDIDATES[name](directory, upstream)
    except BenchError as error:
        log = directory / "log"
        said = log.read_text(errors="replace")[-500:] if log.exists() else ""
        raise BenchError(f"{error}\n{said}") from None
    try:
        yield running
    finally:
        running.process.terminate()
        try:
            running.process.wait(45)
        except subprocess.TimeoutExpired:
            running.process.kill()
            running.process.wait()
