"""Order of deployments, rests and turns, without processes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config import Config, Routing
from gateway.limits.turns import Turns
from gateway.pricing import price_of
from gateway.routing import Cooldowns, Router, cooldowns_of
from gateway.worker.run import refused_models


def deployment(identity: str, **more: Any) -> dict[str, Any]:
    return {"id": identity, "provider": "mock", "model": "m", **more}


def router(tmp_path: Path, headroom: dict[str, float] | None = None, **routing: Any) -> Router:
    price = {"input_usd_per_million_tokens": 1.0, "output_usd_per_million_tokens": 1.0}
    models = [
        {"name": "m", "fallbacks": ["backup"], "context_fallbacks": ["wide"], "deployments": [
            deployment("a", priority=2, weight=3, rpm=10, price=price),
            deployment("b", priority=1, price={**price, "output_usd_per_million_tokens": 0.5}),
            deployment("c", priority=3, price={**price, "output_usd_per_million_tokens": 2.0}),
        ]},
        {"name": "backup", "deployments": [deployment("d")]},
        {"name": "wide", "deployments": [deployment("e")]},
    ]  # fmt: skip
    config = Config.model_validate(
        {"version": 1, "instance": "t", "master_key": "env:X", "models": models, "routing": routing}
    )
    prices = {d.id: price_of(d) for m in config.models for d in m.deployments}
    shares = headroom or {}
    return Router(config, prices, cooldowns_of(config, tmp_path), lambda name: shares.get(name, 1.0))


def plan(made: Router, key_share: float = 1.0) -> list[str]:
    return [step.deployment.id for step in made.plan("m", key_share)]


def test_priority_goes_by_number_and_cost_by_price(tmp_path: Path) -> None:
    assert plan(router(tmp_path, strategy="priority")) == ["b", "a", "c", "d"]
    assert plan(router(tmp_path, strategy="lowest_cost")) == ["b", "a", "c", "d"]


def test_who_began_to_rest_after_the_plan_was_made_comes_last_of_what_is_left(tmp_path: Path) -> None:
    made = router(tmp_path, strategy="priority", allowed_failures=1)
    steps = made.plan("m")
    made.cooldowns.failed("a", 504, None)
    assert [step.deployment.id for step in made.left(steps[1:])] == ["c", "d", "a"]
    assert [step.deployment.id for step in made.left(steps[:1])] == ["b"]


def test_the_busy_and_the_slow_come_last(tmp_path: Path) -> None:
    made = router(tmp_path, strategy="least_busy")
    steps = {step.deployment.id: step for step in made.plan("m")}
    steps["b"].in_flight, steps["c"].in_flight, steps["a"].in_flight = 1, 2, 1
    assert plan(made) == ["a", "b", "c", "d"]
    made = router(tmp_path, strategy="lowest_latency")
    steps = {step.deployment.id: step for step in made.plan("m")}
    for name, seconds in (("a", 0.2), ("b", 0.3), ("c", 0.1)):
        steps[name].took(seconds)
    assert plan(made) == ["c", "a", "b", "d"]
    for _ in range(50):
        steps["c"].took(1.0)
    assert plan(made) == ["a", "b", "c", "d"]


def test_weights_are_shares_of_first_choices(tmp_path: Path) -> None:
    made = router(tmp_path)
    first = [plan(made)[0] for _ in range(3000)]
    # 3 of 5; seven standard deviations either way.
    assert 1600 < first.count("a") < 2000


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(resting=st.sets(st.sampled_from("abcd")), low=st.sets(st.sampled_from("abcd")), share=st.floats(0, 1))
def test_nobody_is_planned_twice_or_forgotten(
    tmp_path_factory: pytest.TempPathFactory, resting: set[str], low: set[str], share: float
) -> None:
    made = router(tmp_path_factory.mktemp("plan"), dict.fromkeys(low, 0.1))
    for name in resting:
        made.cooldowns.failed(name, 429, None)
    found = plan(made, share)
    assert sorted(found) == ["a", "b", "c", "d"]
    # Whoever rests comes after everybody who does not.
    assert {found.index(name) for name in resting} == set(range(4 - len(resting), 4))


def test_near_a_rate_limit_traffic_moves_to_the_backup(tmp_path: Path) -> None:
    made = router(tmp_path, {"a": 0.2}, strategy="priority", soft_limit=0.8)
    assert plan(made) == ["b", "c", "d", "a"]
    assert plan(router(tmp_path, {"a": 0.21}, strategy="priority")) == ["b", "a", "c", "d"]
    assert plan(router(tmp_path, strategy="priority"), key_share=0.2) == ["d", "b", "a", "c"]


def test_a_fallback_that_is_named_twice_or_is_the_model_itself_is_planned_once(tmp_path: Path) -> None:
    models = [
        {"name": "m", "fallbacks": ["backup", "m", "backup"], "deployments": [deployment("a")]},
        {"name": "backup", "deployments": [deployment("d")]},
    ]
    config = Config.model_validate({"version": 1, "instance": "t", "master_key": "env:X", "models": models})
    made = Router(config, {}, cooldowns_of(config, tmp_path), lambda _: 1.0)
    assert plan(made) == ["a", "d"]
    assert plan(made, key_share=0.1) == ["d", "a"]


def test_a_model_is_refused_if_any_of_its_fallbacks_has_no_price(tmp_path: Path) -> None:
    price = {"input_usd_per_million_tokens": 1.0, "output_usd_per_million_tokens": 1.0}
    models = [
        {"name": "fine", "deployments": [deployment("a", price=price)]},
        {"name": "bare", "deployments": [deployment("b")]},
        {"name": "falls", "fallbacks": ["bare"], "deployments": [deployment("c", price=price)]},
        {"name": "widens", "context_fallbacks": ["bare"], "deployments": [deployment("d", price=price)]},
    ]
    head = {"version": 1, "instance": "t", "master_key": "env:X", "pricing": {"unpriced": "refuse"}}
    config = Config.model_validate({**head, "models": models})
    prices = {d.id: price_of(d) for m in config.models for d in m.deployments}
    assert refused_models(config, prices) == {"bare", "falls", "widens"}


def test_a_long_prompt_goes_to_the_wider_model(tmp_path: Path) -> None:
    assert [step.deployment.id for step in router(tmp_path).wider("m")] == ["e"]


def test_a_rest_is_seen_by_every_process_and_ends_with_an_answer(tmp_path: Path) -> None:
    routing = Routing(cooldown_s=0.05, allowed_failures=2)
    one, other = (Cooldowns(tmp_path / "cooldowns", ["x", "y"], routing) for _ in range(2))
    one.failed("x", 500, None)
    assert not other.resting("x")
    one.failed("x", 500, None)
    assert other.resting("x")
    assert not other.resting("y")
    while one.seconds_left("x"):
        time.sleep(0.005)
    # Half open: one may try, the others wait for what becomes of it.
    assert not other.resting("x")
    one.begin("x")
    assert other.resting("x")
    one.succeeded("x")
    assert not other.resting("x")


@pytest.mark.parametrize(("status", "rests"), [(401, True), (403, True), (429, True), (400, False), (499, False)])
def test_what_a_status_says_about_a_deployment(tmp_path: Path, status: int, rests: bool) -> None:
    cooldowns = Cooldowns(tmp_path / "cooldowns", ["x"], Routing())
    cooldowns.failed("x", status, None)
    assert cooldowns.resting("x") is rests


def test_a_provider_that_says_when_to_come_back_is_believed(tmp_path: Path) -> None:
    cooldowns = Cooldowns(tmp_path / "cooldowns", ["x", "y"], Routing(cooldown_s=1))
    cooldowns.failed("x", 429, 60.0)
    cooldowns.failed("y", 429, None)
    assert 50 < cooldowns.told_to_wait("x") <= 60
    assert cooldowns.told_to_wait("y") == 0


def test_turns_lapse_and_go_back() -> None:
    turns = Turns()
    now = time.monotonic()
    turns.put("k", 2, now, 30.0)
    turns.put("k", 1, now, 30.0)
    assert [turns.take("k") for _ in range(4)] == [True, True, True, False]
    turns.put("k", 5, now, 30.0)
    assert turns.give_back("k") == 5
    assert turns.give_back("k") == 0
    turns.put("k", 5, now - 30.0, 30.0)
    assert not turns.take("k")
    turns.put("k", 3, now, 30.0)
    assert turns.give_back("k") == 3
