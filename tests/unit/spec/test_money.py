"""Cache, loop guard, prices and budgets of the spec reach the gateway's configuration, or a fault says why not."""

from __future__ import annotations

import pytest
import yaml

from gateway.config.model import Config
from stackctl.errors import SpecError
from stackctl.render.gateway import gateway_yaml
from stackctl.spec import parse_spec

MODELS = """models:
  - name: m
    deployments:
      - {provider: mock, model: m, price: {input_usd_per_million_tokens: 1, output_usd_per_million_tokens: 2,
         reasoning_usd_per_million_tokens: 3, batch_share: 0.25,
         tiers: [{above_prompt_tokens: 10, input_usd_per_million_tokens: 4, output_usd_per_million_tokens: 5}]}}
  - {name: vectors, deployments: [{provider: mock, model: v}]}
"""
HEAD = f"version: 1\nname: acme\n{MODELS}"


def configured(extra: str) -> Config:
    rendered = gateway_yaml(parse_spec(HEAD + extra).spec)
    return Config.model_validate(yaml.safe_load(rendered))


def fault(extra: str) -> str:
    with pytest.raises(SpecError) as caught:
        parse_spec(HEAD + extra)
    return "\n".join(map(str, caught.value.problems))


def test_without_sections_nothing_is_cached_or_watched() -> None:
    config = configured("")
    assert (config.cache, config.loop_guard, config.pricing.unpriced) == (None, None, "allow")
    price = config.models[0].deployments[0].price
    assert price is not None
    assert (price.reasoning_usd_per_million_tokens, price.batch_share, price.cached_input_usd_per_million_tokens) == (
        3,
        0.25,
        None,
    )
    assert [(t.above_prompt_tokens, t.output_usd_per_million_tokens) for t in price.tiers] == [(10, 5)]


def test_everything_reaches_the_gateway() -> None:
    config = configured(
        "gateway:\n"
        "  cache: {backend: redis, url: 'env:REDIS', mode: semantic, embedding_model: vectors, similarity: 0.8,"
        " ttl: 1h, scope: team, opt_in: true}\n"
        "  loop_guard: {action: block, window: 5m, repeats: 7, turns: 9, context: 2KB}\n"
        "  pricing: {unpriced: refuse}\n"
        "  replicas: 3\n"
        "  database: {url: 'env:DATABASE_URL', pool_size: 30}\n"
        "teams: [{name: t, budget: {usd: 10, soft_usd: 8, period: 7d}}]\n"
    )
    cache, guard = config.cache, config.loop_guard
    assert cache is not None
    assert guard is not None
    assert (cache.backend, cache.url, cache.mode, cache.embedding_model) == (
        "redis",
        "env:REDIS",
        "semantic",
        "vectors",
    )
    assert (cache.similarity, cache.ttl_s, cache.scope, cache.opt_in) == (0.8, 3600, "team", True)
    assert (guard.action, guard.window_s, guard.repeats, guard.turns, guard.context_bytes) == ("block", 300, 7, 9, 2048)
    assert (config.pricing.unpriced, config.database.replicas, config.database.pool_size) == ("refuse", 3, 30)
    budget = config.teams[0].budget
    assert budget is not None
    assert (budget.usd, budget.soft_usd, budget.period) == (10, 8, "7d")


def test_compose_uses_the_stack_s_own_redis() -> None:
    config = configured("runtime: compose\ngateway: {cache: {backend: redis}}\n")
    assert config.cache is not None
    assert (config.cache.address, config.cache.password) == ("redis:6379", "file:/run/secrets/redis-password")


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("gateway: {cache: {backend: redis}}\n", "needs a url"),
        ("gateway: {cache: {url: 'env:X'}}\n", "only backend redis has a url"),
        ("gateway: {cache: {url: 'redis://:secret@h', backend: redis}}\n", "must be a reference"),
        ("gateway: {cache: {mode: semantic}}\n", "needs an embedding_model"),
        ("gateway: {cache: {mode: semantic, embedding_model: x}}\n", "model 'x' is not declared"),
        ("gateway: {engine: litellm, cache: {}}\n", "only the bundled gateway has it"),
        ("gateway: {engine: litellm, loop_guard: {}}\n", "only the bundled gateway has it"),
        ("gateway: {engine: litellm}\n", "LiteLLM would charge the first rate"),
        ("gateway: {replicas: 2}\n", "sqlite is one gateway's own"),
        ("gateway: {replicas: 2, database: {url: 'env:X', pool_size: 3}}\n", "at least 4 connections"),
        ("teams: [{name: t, budget: {usd: 1, soft_usd: 2}}]\n", "above the limit"),
    ],
)
def test_what_cannot_be_is_a_fault(extra: str, expected: str) -> None:
    assert expected in fault(extra)
