"""A whole stack under traffic: the real gateway, Prometheus and Alertmanager on a rendered bundle.

The integration test asks every panel's query of it; `make pictures` draws its dashboards:

    python -m tests.integration.dashboards.live DIRECTORY
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from stackctl.render import render_bundle, write
from stackctl.runtime import down, up
from stackctl.spec import Spec, load_spec
from stackctl.stack import StackDir
from tests.integration.dashboards.traffic import Client, Traffic
from tests.integration.dashboards.upstream import Manner, Spell, Upstream
from tests.ports import free_ports

MANNERS = {
    "gpt-4o": Manner(0.45, 0.012, 90, error_rate=0.004),
    "gpt-4o-mini": Manner(0.22, 0.006, 60, error_rate=0.002),
    "claude-sonnet": Manner(0.7, 0.016, 120, error_rate=0.02, error_status=529),
    "llama-3": Manner(0.15, 0.02, 50),
    "broken": Manner(0.3, 0.01, 40, error_rate=0.3, error_status=503),
    "locked": Manner(0.3, 0.01, 40, error_rate=0.3, error_status=401),
}
SPEC = """\
version: 1
name: acme-llm
gateway: {{port: {gateway}, workers: 2, cache: {{}}, loop_guard: {{}}}}
models:
  - name: gpt-4o
    deployments:
      - {{provider: openai, model: gpt-4o, api_base: "{upstream}", rpm: 400, price: {{input_usd_per_million_tokens: 2.5, output_usd_per_million_tokens: 10}}}}
    fallbacks: [claude-sonnet]
  - name: claude-sonnet
    deployments:
      - {{provider: anthropic-relay, model: claude-sonnet, api_base: "{upstream}", rpm: 200, price: {{input_usd_per_million_tokens: 3, output_usd_per_million_tokens: 15}}}}
    fallbacks: [gpt-4o-mini]
  - name: gpt-4o-mini
    deployments:
      - {{provider: openai, model: gpt-4o-mini, api_base: "{upstream}", price: {{input_usd_per_million_tokens: 0.15, output_usd_per_million_tokens: 0.6}}}}
  - name: llama-3
    deployments: [{{provider: vllm, model: llama-3, api_base: "{upstream}"}}]
  - name: preview
    deployments: [{{provider: trial, model: broken, api_base: "{upstream}", price: {{input_usd_per_million_tokens: 1, output_usd_per_million_tokens: 1}}}}]
    fallbacks: [gpt-4o-mini, nightly]
  - name: nightly
    deployments: [{{provider: trial, model: locked, api_base: "{upstream}", price: {{input_usd_per_million_tokens: 1, output_usd_per_million_tokens: 1}}}}]
    fallbacks: [preview]
teams:
  - {{name: backend, budget: {{usd: 900, period: 30d}}}}
  - {{name: data, budget: {{usd: 60, period: 7d}}}}
  - {{name: research}}
keys:
  - {{name: chatbot, team: backend, secret: "file:secrets/chatbot", max_parallel: 60}}
  - {{name: ci, team: backend, secret: "file:secrets/ci", rpm: 60, budget: {{usd: 0.25, period: 1d}}}}
  - {{name: notebooks, team: data, secret: "file:secrets/notebooks", budget: {{usd: 4, period: 1d}}}}
  - {{name: lab, team: research, secret: "file:secrets/lab"}}
  - {{name: spent, team: research, secret: "file:secrets/spent", budget: {{usd: 0.01, period: 30d}}}}
prometheus: {{port: {prometheus}}}
alertmanager: {{port: {alertmanager}}}
alerts: {{inbox: {{port: {inbox}}}}}
"""
CLIENTS = [
    Client("sk-chatbot", 3.0, ("gpt-4o", "gpt-4o", "gpt-4o", "claude-sonnet"), streamed=0.8),
    Client("sk-ci", 0.8, ("gpt-4o-mini",), streamed=0.0),
    Client("sk-notebooks", 1.0, ("claude-sonnet", "gpt-4o-mini")),
    Client("sk-lab", 0.8, ("llama-3", "gpt-4o-mini")),
    Client("sk-lab", 0.25, ("preview", "nightly", "gpt-4o"), streamed=0.2),
    Client("sk-spent", 0.2, ("gpt-4o",)),
]


class Quiet:
    """A Progress that says nothing."""

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        yield

    def note(self, text: str) -> None:
        pass


class Live:
    """The stack and the traffic. Intervals below the spec's floor come from `fast`, for tests only."""

    def __init__(self, root: Path, *, fast: bool, spells: tuple[Spell, ...] = (), pace: float = 1.0) -> None:
        self.dir, self._fast = StackDir(root), fast
        self._upstream = Upstream(MANNERS, spells, pace)
        self.spec: Spec

    def __enter__(self) -> Live:
        self._upstream.__enter__()
        self._write()
        up(self.dir, self.spec, Quiet(), timeout_s=120)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            down(self.dir, Quiet())
        finally:
            self._upstream.__exit__()

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.spec.gateway.port}"

    @property
    def prometheus(self) -> str:
        return f"http://127.0.0.1:{self.spec.prometheus.port}"

    def traffic(self, seconds: float, *, hurry: float = 1.0) -> dict[int, int]:
        """Let the clients send for that long, `hurry` times as often; returns the number of answers by status."""
        return self._clients(hurry).run(seconds)

    @contextmanager
    def under_traffic(self, *, hurry: float = 1.0) -> Iterator[None]:
        """The clients send until the end of the block."""
        clients = self._clients(hurry)
        thread = threading.Thread(target=clients.run, args=(math.inf,))
        thread.start()
        try:
            yield
        finally:
            clients.stop()
            thread.join()

    def _clients(self, hurry: float) -> Traffic:
        return Traffic(self.gateway, [replace(client, per_second=client.per_second * hurry) for client in CLIENTS])

    def _write(self) -> None:
        self.dir.root.mkdir(parents=True, exist_ok=True)
        self.dir.secrets.mkdir(mode=0o700, exist_ok=True)
        secrets = {"gateway-master-key": "sk-master", **{c.key.removeprefix("sk-"): c.key for c in CLIENTS}}
        for name, value in secrets.items():
            (self.dir.secrets / name).touch(mode=0o600)
            (self.dir.secrets / name).write_text(value, encoding="utf-8")
        gateway, prometheus, alertmanager, inbox = free_ports(4)
        text = SPEC.format(
            upstream=self._upstream.url, gateway=gateway, prometheus=prometheus, alertmanager=alertmanager, inbox=inbox
        )
        self.dir.spec.write_text(text, encoding="utf-8")
        source = load_spec(self.dir.spec)
        self.spec = source.spec
        write(render_bundle(source), self.dir.bundle)
        if self._fast:
            self._hurry(self.dir.bundle / "prometheus" / "prometheus.yml")

    def _hurry(self, config: Path) -> None:
        text = config.read_text(encoding="utf-8")
        for slow, quick in (("interval: 15s", "interval: 1s"), ("timeout: 10s", "timeout: 1s")):
            text = text.replace(slow, quick)
        config.write_text(text, encoding="utf-8")


def main() -> None:
    """Run a stack whose main provider has a bad spell, until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--minutes", type=float, default=25, help="until `ready` is written")
    chosen = parser.parse_args()
    seconds = chosen.minutes * 60
    spells = (Spell("gpt-4o", seconds * 0.5, seconds * 0.62, 503),)
    with Live(chosen.directory.resolve(), fast=False, spells=spells) as live:
        live.traffic(seconds)
        (live.dir.root / "ready").write_text(live.prometheus, encoding="utf-8")
        while True:
            live.traffic(60)


if __name__ == "__main__":
    os.environ.setdefault("STACKCTL_PYTHON", sys.executable)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        main()
