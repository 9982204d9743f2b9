"""A stack's ordinary life: start, look, change, stop."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from stackctl.errors import StackctlError, StartError, UsageError
from stackctl.runtime import down, is_free, parts_of, urls
from stackctl.runtime.logs import logs
from stackctl.runtime.rundir import exclusive
from stackctl.runtime.status import status
from tests.integration.runtime.conftest import Notes, Stack, make_spec, prometheus_config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PARTS = ("gateway", "prometheus", "alertmanager", "inbox")


def pids(stack: Stack) -> dict[str, int | None]:
    return {part.name: part.pid for part in status(stack.dir, stack.spec).parts}


def test_up_makes_every_part_ready_a_second_up_changes_nothing_and_down_leaves_nothing(
    any_real_parts: str, stack: Stack
) -> None:
    started = stack.up()
    assert {part.name: part.state for part in started.parts} == dict.fromkeys(PARTS, "running")
    assert started.healthy
    assert str(started.part("prometheus").version).startswith("2." if any_real_parts == "stable" else "3.")
    json.dumps(started.as_json())
    second = stack.up()
    assert [part.pid for part in second.parts] == [part.pid for part in started.parts]
    assert stack.notes.phases == ["check the ports", "wait until every part is ready"]
    stopped = down(stack.dir, Notes())
    assert stopped.parts == ("alertmanager", "gateway", "inbox", "prometheus")
    assert stopped.still_taken == ()
    assert all(is_free(part.host, part.port) for part in parts_of(stack.spec))
    assert status(stack.dir, stack.spec).state == "stopped"
    assert down(stack.dir, Notes()).parts == ()


def test_up_brings_changed_files_to_their_parts_only(stack: Stack) -> None:
    stack.up()
    before = pids(stack)
    gateway = parts_of(stack.spec)[0]
    stack.write("prometheus/prometheus.yml", prometheus_config(gateway.port, interval="17s"))
    stack.up()
    assert pids(stack) == before
    loaded = httpx.get(urls(stack.spec)["prometheus"] + "/api/v1/status/config", trust_env=False).json()
    assert "scrape_interval: 17s" in loaded["data"]["yaml"]
    stack.write("gateway/gateway.yaml", json.dumps({"port": gateway.port, "changed": True}))
    stack.up()
    assert {name for name, pid in pids(stack).items() if pid != before[name]} == {"gateway"}


def test_up_restarts_only_the_part_whose_command_changed(stack: Stack) -> None:
    stack.up()
    before = pids(stack)
    ports = tuple(part.port for part in parts_of(stack.spec))
    stack.respec(make_spec(retention="3d", ports=ports))
    assert stack.up().healthy
    assert {name for name, pid in pids(stack).items() if pid != before[name]} == {"prometheus"}


def test_a_refused_configuration_is_named_and_the_stack_goes_on(any_real_parts: str, stack: Stack) -> None:
    stack.up()
    for part in ("alertmanager", "prometheus"):
        good = (stack.dir.bundle / part / f"{part}.yml").read_text()
        stack.write(f"{part}/{part}.yml", "nonsense: true\n")
        with pytest.raises(StartError, match=f"{part} refused its changed configuration") as refused:
            stack.up()
        assert any("nonsense" in line for line in refused.value.details)
        assert status(stack.dir, stack.spec).healthy
        stack.write(f"{part}/{part}.yml", good)
        assert stack.up().healthy


def test_a_configuration_refused_twice_is_named_twice(stack: Stack) -> None:
    stack.up()
    stack.write("alertmanager/alertmanager.yml", "nonsense: true\n")
    for _ in range(2):
        with pytest.raises(StartError, match="alertmanager refused its changed configuration"):
            stack.up()


def test_two_stacks_run_side_by_side(make_stack: Callable[..., Stack]) -> None:
    one, two = make_stack("one"), make_stack("two")
    with ThreadPoolExecutor() as pool:
        assert all(started.healthy for started in pool.map(Stack.up, (one, two)))
    down(one.dir, Notes())
    assert status(one.dir, one.spec).state == "stopped"
    assert status(two.dir, two.spec).healthy


def test_a_second_command_at_once_is_refused_in_one_line(stack: Stack) -> None:
    stack.dir.state.mkdir()
    with exclusive(stack.dir, "up"):
        for attempt in (stack.up, lambda: down(stack.dir, Notes())):
            with pytest.raises(StackctlError, match=r"^stackctl up \(pid \d+\) is at work on this stack$"):
                attempt()


def test_secrets_reach_the_gateway_alone_and_a_changed_one_reaches_it_too(
    make_stack: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(extra=', api_key: "env:PROVIDER_KEY"')
    stack = make_stack(spec=spec)
    with pytest.raises(UsageError, match="PROVIDER_KEY is not set"):
        stack.up()
    monkeypatch.setenv("PROVIDER_KEY", "a-secret")
    monkeypatch.setenv("UNRELATED_TOKEN", "another")
    stack.up()
    seen = {name: httpx.get(urls(spec)[name] + "/environment", trust_env=False).json() for name in ("gateway", "inbox")}
    assert seen["gateway"]["PROVIDER_KEY"] == "a-secret"
    assert "UNRELATED_TOKEN" not in seen["gateway"]
    assert "PROVIDER_KEY" not in seen["inbox"]
    assert "a-secret" not in (stack.dir.state / "runtime.json").read_text()
    monkeypatch.delenv("PROVIDER_KEY")
    stack.up()
    assert "start every part" not in stack.notes.phases, "a terminal without the secret must not stop the stack"
    monkeypatch.setenv("PROVIDER_KEY", "a-new-secret")
    stack.up()
    again = httpx.get(urls(spec)["gateway"] + "/environment", trust_env=False).json()
    assert again["PROVIDER_KEY"] == "a-new-secret"


def test_a_deep_directory_with_spaces_and_quotes_works(make_stack: Callable[..., Stack], tmp_path: Path) -> None:
    stack = make_stack(root=tmp_path / "it's a deep; directory #1" / ("d" * 120))
    assert stack.up().healthy


def test_a_directory_supervisord_cannot_take_is_refused(make_stack: Callable[..., Stack], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="which supervisord cannot take"):
        make_stack(root=tmp_path / "50% off").up()


def test_logs_show_each_part_and_follow_a_rotation(stack: Stack) -> None:
    stack.dir.logs.mkdir(parents=True)
    file = stack.dir.logs / "gateway.log"
    file.write_text("one\ntwo\n")
    lines = logs(stack.dir, "gateway", lines=1, follow=True)
    assert next(lines) == "gateway      | two"
    with file.open("a") as more:
        more.write("three\n")
    file.rename(file.with_suffix(".log.1"))
    file.write_text("four\n")
    assert [next(lines), next(lines)] == ["gateway      | three", "gateway      | four"]
    with pytest.raises(UsageError, match="no part 'gatway'"):
        logs(stack.dir, "gatway")
