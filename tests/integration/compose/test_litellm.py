"""`engine: litellm` on a real engine: the real proxy in a closed container, with its Redis, scraped and asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest
import yaml

from tests.docker.standins import import_images
from tests.litellm_sdk import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.docker.engine import DockerEngine
    from tests.integration.compose.conftest import ComposeStack

pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("docker"), pytest.mark.slow]


@pytest.fixture(scope="module")
def stack(engine: DockerEngine, new_stack: Callable[[str], ComposeStack]) -> ComposeStack:
    import_images(engine.docker, ["litellm"])
    made = new_stack("real")
    file = made.root / "stack.yaml"
    spec = yaml.safe_load(file.read_text())
    spec["gateway"] |= {"engine": "litellm", "version": VERSION}
    spec["grafana"]["enabled"] = False
    del spec["teams"]  # they need the database, which the stand-in goes without
    file.write_text(yaml.safe_dump(spec))
    started = made.run("up")
    assert started.code == 0, started.err
    return made


def test_it_answers_in_a_container_that_nothing_can_be_written_to(stack: ComposeStack) -> None:
    key = (stack.root / "secrets/gateway-master-key").read_text().strip()
    body = {"model": "demo-large", "messages": [{"role": "user", "content": "hello"}]}
    answer = httpx.post(
        f"{stack.url('gateway')}/v1/chat/completions",
        json=body,
        headers={"Authorization": f"Bearer {key}"},
        trust_env=False,
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-litellm-version"] == VERSION
    assert stack.inside("gateway", "id", "-u") == "65534"
    status = stack.inside("gateway", "cat", "/proc/self/status")
    assert "CapBnd:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    assert stack.inspect("gateway")["HostConfig"]["ReadonlyRootfs"] is True


def test_status_tells_which_release_it_is(stack: ComposeStack) -> None:
    (gateway,) = (part for part in stack.run("status", "--json").envelope["data"]["parts"] if part["name"] == "gateway")
    assert (gateway["version"], gateway["healthy"]) == (VERSION, True)


def test_its_secrets_are_in_no_file_environment_or_command_line_that_docker_shows(stack: ComposeStack) -> None:
    secrets = [path.read_text().strip() for path in (stack.root / "secrets").iterdir()]
    shown = str(stack.inspect("gateway")) + stack.engine.docker(
        "top", stack.container("gateway"), "-ww", "-eo", "pid,args"
    )
    assert "--num_workers 2" in shown
    assert not [secret for secret in secrets if secret in shown]


def test_prometheus_scrapes_it_with_the_key(stack: ComposeStack) -> None:
    deadline = time.monotonic() + 120
    query = {"query": 'up{job="gateway"}'}
    while True:
        found = httpx.get(f"{stack.url('prometheus')}/api/v1/query", params=query, trust_env=False).json()
        if [sample["value"][1] for sample in found["data"]["result"]] == ["1"]:
            break
        assert time.monotonic() < deadline, found
        time.sleep(1)
    assert any(name.endswith(".db") for name in stack.inside("gateway", "ls", "/run/metrics").splitlines())
