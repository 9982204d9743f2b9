"""PostgreSQL and Redis of a stack's own, on a real engine: healthy, closed, and used."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.integration.compose.test_lifecycle import reaches_the_world

if TYPE_CHECKING:
    from tests.integration.compose.conftest import ComposeStack

# One engine for all: with --dist loadgroup these tests stay in one process. A marker given by a conftest comes too late.
pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("docker")]
STORES = ("postgres", "redis")


@pytest.fixture
def stack(second: ComposeStack) -> ComposeStack:
    return second


def test_the_stores_start_before_the_gateway_and_are_healthy(stack: ComposeStack) -> None:
    state = {part["name"]: part["healthy"] for part in stack.run("status", "--json").envelope["data"]["parts"]}
    assert {name: state[name] for name in (*STORES, "gateway")} == dict.fromkeys((*STORES, "gateway"), True)
    started = {name: stack.inspect(name)["State"]["StartedAt"] for name in (*STORES, "gateway")}
    assert all(started[name] < started["gateway"] for name in STORES)


def test_the_gateway_keeps_its_books_in_postgresql(stack: ComposeStack) -> None:
    tables = stack.inside(
        "postgres", "psql", "-U", "llm", "-d", "llm", "-h", "/var/run/postgresql", "-At", "-c", "\\dt"
    )
    assert "|table|llm" in tables


def test_doctor_measures_the_disk_of_the_books(stack: ComposeStack) -> None:
    envelope = stack.run("doctor", "--json").envelope
    (row,) = (row for row in envelope["data"]["checked"] if row["what"].startswith("disk space"))
    assert row["what"].startswith("disk space of prometheus, gateway, postgres: ")
    assert row["verdict"] == "ok"


def test_redis_wants_its_password(stack: ComposeStack) -> None:
    assert "NOAUTH" in stack.inside("redis", "redis-cli", "ping", check=False)
    command = "REDISCLI_AUTH=$(cat /run/secrets/redis-password) redis-cli ping"
    assert stack.inside("redis", "sh", "-c", command) == "PONG"


@pytest.mark.parametrize("service", STORES)
def test_a_store_is_confined_and_has_no_way_out(stack: ComposeStack, service: str) -> None:
    assert stack.inside(service, "id", "-u") == "999"
    status = stack.inside(service, "cat", "/proc/1/status")
    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    assert not reaches_the_world(stack, service)
    assert not stack.inspect(service)["HostConfig"]["PortBindings"]


@pytest.mark.parametrize(("part", "path"), [("prometheus", "/api/v1/targets"), ("alertmanager", "/api/v2/status")])
def test_a_part_with_a_password_opens_to_nobody_else(stack: ComposeStack, part: str, path: str) -> None:
    url = stack.url(part) + path
    assert httpx.get(url, trust_env=False).status_code == 401
    assert httpx.get(url, auth=("admin", "admin"), trust_env=False).status_code == 401
    assert httpx.get(url, auth=("admin", stack.secret(f"{part}-password")), trust_env=False).status_code == 200


def test_only_what_has_a_password_is_open_to_the_network(stack: ComposeStack) -> None:
    published = {
        service: binding["HostIp"]
        for service in stack.containers()
        for bindings in stack.inspect(service)["NetworkSettings"]["Ports"].values()
        for binding in bindings or ()
    }
    assert published.pop("prometheus") == "0.0.0.0"
    assert set(published.values()) == {"127.0.0.1"}


def test_grafana_reaches_a_prometheus_that_wants_a_password(stack: ComposeStack) -> None:
    query = "/api/datasources/proxy/uid/stackctl-prometheus/api/v1/query?query=up"
    answer = httpx.get(stack.url("grafana") + query, auth=("admin", stack.secret("grafana-password")), trust_env=False)
    assert answer.status_code == 200, answer.text


def shown_of(stack: ComposeStack, service: str) -> str:
    """What `docker inspect` and the host's process list show, the latter for as long as two healthchecks take."""
    shown, checks = json.dumps(stack.inspect(service)["Config"] | stack.inspect(service)["HostConfig"]), 0
    seen = ended(stack, service)
    while checks < 2:
        shown += stack.engine.docker("top", stack.container(service), "-ww", "-eo", "pid,args")
        if ended(stack, service) != seen:
            seen, checks = ended(stack, service), checks + 1
    return shown


def ended(stack: ComposeStack, service: str) -> str:
    """When the last healthcheck of a service ended."""
    return str(stack.inspect(service)["State"]["Health"]["Log"][-1]["End"])


@pytest.mark.parametrize("service", ["prometheus", "alertmanager", "redis", "postgres", "gateway", "grafana"])
def test_no_secret_is_in_what_docker_and_the_process_list_show(stack: ComposeStack, service: str) -> None:
    secrets = [path.read_text().strip() for path in (stack.root / "secrets").iterdir()]
    secrets += [base64.b64encode(f"admin:{secret}".encode()).decode() for secret in secrets]
    assert len(secrets) >= 14
    shown = shown_of(stack, service)
    assert not [secret for secret in secrets if secret in shown]


def test_down_of_one_stack_leaves_nothing_of_it(stack: ComposeStack) -> None:
    assert stack.run("down").code == 0
    assert stack.containers() == {}
