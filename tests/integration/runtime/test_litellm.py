"""The local runtime with `engine: litellm`: the real proxy, started, scraped, asked and stopped as one stack."""

from __future__ import annotations

import re
import shutil
import time
from typing import TYPE_CHECKING

import httpx
import pytest
import yaml

from stackctl.runtime.processes import processes_of
from tests.command import Finished, stackctl
from tests.litellm_sdk import VERSION, sdk_python

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.timeout(400), pytest.mark.slow]


class LiteLLMStack:
    """A demo stack whose gateway is the real LiteLLM with two workers."""

    def __init__(self, root: Path) -> None:
        self.root, self.command = root, str(sdk_python().parent / "litellm")

    def run(self, command: str, *arguments: object) -> Finished:
        return stackctl(
            *command.split(), "-C", self.root, *arguments, timeout=300, STACKCTL_LITELLM_COMMAND=self.command
        )

    def url(self, part: str) -> str:
        return f"http://127.0.0.1:{yaml.safe_load((self.root / 'stack.yaml').read_text())[part]['port']}"

    @property
    def key(self) -> str:
        return (self.root / "secrets/gateway-master-key").read_text().strip()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiteLLMStack]:
    made = LiteLLMStack(tmp_path_factory.mktemp("litellm"))
    assert stackctl("init", made.root, "--name", "real-litellm", "--demo", "--defaults").code == 0
    spec = made.root / "stack.yaml"
    text = spec.read_text()
    assert "engine: bundled" in text
    spec.write_text(text.replace("engine: bundled", f"engine: litellm\n  version: {VERSION}"))
    started = made.run("up")
    assert started.code == 0, started.err
    assert "LiteLLM has no database here" in started.err
    yield made
    made.run("down")


def test_the_real_proxy_answers_with_what_the_spec_says(stack: LiteLLMStack) -> None:
    body = {"model": "demo-large", "messages": [{"role": "user", "content": "hello"}]}
    header = {"Authorization": f"Bearer {stack.key}"}
    answer = httpx.post(
        f"{stack.url('gateway')}/v1/chat/completions", json=body, headers=header, trust_env=False, timeout=60
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-litellm-version"] == VERSION
    assert answer.json()["choices"][0]["message"]["content"] == "This is a mock answer."


def test_status_tells_which_release_it_is(stack: LiteLLMStack) -> None:
    parts = {part["name"]: part for part in stack.run("status", "--json").envelope["data"]["parts"]}
    assert (parts["gateway"]["version"], parts["gateway"]["healthy"]) == (VERSION, True)


def test_metrics_want_the_key_and_prometheus_has_it(stack: LiteLLMStack) -> None:
    page = f"{stack.url('gateway')}/metrics/"
    assert httpx.get(page, trust_env=False, timeout=60).status_code == 401
    query = {"query": 'up{job="gateway"}'}
    deadline = time.monotonic() + 90
    while True:
        found = httpx.get(f"{stack.url('prometheus')}/api/v1/query", params=query, trust_env=False).json()
        if [sample["value"][1] for sample in found["data"]["result"]] == ["1"]:
            break
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


def test_the_workers_share_one_directory_of_metrics(stack: LiteLLMStack) -> None:
    """What two workers counted is one number on every fresh connection."""
    header = {"Authorization": f"Bearer {stack.key}"}
    body = {"model": "demo-small", "messages": [{"role": "user", "content": "hello"}]}
    for _ in range(12):
        httpx.post(
            f"{stack.url('gateway')}/v1/chat/completions", json=body, headers=header, trust_env=False, timeout=60
        ).raise_for_status()
    pattern = re.compile(
        r'^litellm_proxy_total_requests_metric_total\{.*requested_model="demo-small".* (\S+)$', re.MULTILINE
    )
    deadline = time.monotonic() + 60
    while True:
        pages = [
            httpx.get(f"{stack.url('gateway')}/metrics/", headers=header, trust_env=False, timeout=60).text
            for _ in range(4)
        ]
        counts = [sum(float(number) for number in pattern.findall(page)) for page in pages]
        if set(counts) == {12.0}:
            break
        assert time.monotonic() < deadline, counts
        time.sleep(1)


def test_no_secret_is_in_a_command_line_or_a_rendered_file(stack: LiteLLMStack) -> None:
    lines = [
        " ".join(process.cmdline()) for found in processes_of(stack.root / ".stackctl").values() for process in found
    ]
    assert any("litellm/config.yaml" in line for line in lines)
    assert not any(stack.key in line for line in lines)
    rendered = [path.read_text() for path in (stack.root / "bundle").rglob("*") if path.is_file()]
    assert not any(stack.key in text for text in rendered)


def test_the_delivery_is_proven_as_far_as_litellm_lets_it_be(stack: LiteLLMStack) -> None:
    proof = stack.run("validate", "--json")
    assert proof.code == 0, proof.err or proof.out
    alerts = proof.envelope["data"]["alerts"]
    assert {alert["outcome"] for alert in alerts} == {"proven"}
    assert not any(alert["rule_evaluated"] for alert in alerts)


def test_without_the_executable_one_line_says_so(stack: LiteLLMStack, tmp_path: Path) -> None:
    shutil.copytree(stack.root, tmp_path / "stack", ignore=shutil.ignore_patterns(".stackctl"))
    done = stackctl("up", "-C", tmp_path / "stack", "--json", STACKCTL_LITELLM_COMMAND="/nowhere/litellm")
    assert done.code == 3
    (problem,) = done.envelope["problems"]
    assert "/nowhere/litellm, which is not an executable" in problem["message"]
