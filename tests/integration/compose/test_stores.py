"""PostgreSQL and Redis of a stack's own, on a real engine: healthy, closed, and used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.compose.test_lifecycle import reaches_the_world

if TYPE_CHECKING:
    from tests.integration.compose.conftest import ComposeStack

# One engine for all: with --dist loadgroup these tests stay in one process. A marker given by a conftest comes too late.
pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("docker")]
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


def test_down_of_one_stack_leaves_nothing_of_it(stack: ComposeStack) -> None:
    assert stack.run("down").code == 0
    assert stack.containers() == {}
