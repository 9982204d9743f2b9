"""Prices by kind of token, tiers, batches, shares, and the clock, over all that hypothesis can think of."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import pricing
from gateway.accountant.account import Account
from gateway.clock import Clock
from gateway.config import Deployment, PriceEntry
from gateway.counting import encoding, of_prompt
from gateway.pricing import Price
from gateway.pricing.cost_map import mapped
from gateway.tokens import Usage

count = st.integers(0, 2_000_000)
rate = st.integers(0, 10**11)
prices = st.builds(Price, rate, rate, st.none() | rate, st.none() | rate, st.none() | rate, st.none() | rate)
usages = st.builds(Usage, count, count, count, count, count, count, count)


@given(prices, usages)
def test_no_usage_costs_less_than_nothing_or_more_than_its_dearest_kind(price: Price, usage: Usage) -> None:
    cost = pricing.cost(price, usage)
    rates = [r for r in (price.input, price.output, price.cached_input, price.cache_write, price.reasoning) if r]
    rates += [r for r in (price.audio_input, price.audio_output) if r]
    assert cost is not None
    assert 0 <= cost <= (usage.prompt + usage.completion) * max(rates, default=0) // 10**6 + 1


@given(rate, rate, usages)
def test_parts_without_a_rate_of_their_own_cost_what_the_whole_costs(inward: int, out: int, usage: Usage) -> None:
    plain = Usage(usage.prompt, usage.completion)
    assert pricing.cost(Price(inward, out), usage) == pricing.cost(Price(inward, out), plain)


@given(prices, usages, st.integers(1, 1_000_000))
def test_a_tier_prices_the_whole_request_above_its_threshold(price: Price, usage: Usage, above: int) -> None:
    dear = Price(7, 11)
    expected = dear if usage.prompt > above else price
    assert pricing.cost(replace(price, tiers=((above, dear),)), usage) == pricing.cost(expected, usage)


@given(prices, count, st.integers(0, 100_000))
def test_an_estimate_is_never_below_a_request_of_its_size(price: Price, prompt: int, completion: int) -> None:
    usage = Usage(prompt, completion)
    assert pricing.estimate(price, prompt, completion) >= (pricing.cost(price, usage) or 0)


@given(st.integers(0, 10**15), st.integers(1, 1000))
def test_shares_sum_up_and_differ_by_at_most_one(amount: int, callers: int) -> None:
    parts = pricing.split(amount, callers)
    assert (len(parts), sum(parts)) == (callers, amount)
    assert max(parts) - min(parts) <= 1


def test_a_table_of_the_spec_names_every_kind() -> None:
    entry = PriceEntry.model_validate(
        {
            "input_usd_per_million_tokens": 1,
            "output_usd_per_million_tokens": 4,
            "cached_input_usd_per_million_tokens": 0.1,
            "cache_write_usd_per_million_tokens": 1.25,
            "reasoning_usd_per_million_tokens": 5,
            "audio_input_usd_per_million_tokens": 10,
            "tiers": [
                {"above_prompt_tokens": 200_000, "input_usd_per_million_tokens": 2, "output_usd_per_million_tokens": 8}
            ],
        }
    )
    price = pricing.price_of(Deployment(id="d", provider="mock", model="m", price=entry))
    usage = Usage(1000, 100, cached=300, cache_write=200, reasoning=40, audio_prompt=100)
    # 400 plain, 300 cached, 200 written, 100 audio; 60 plain, 40 reasoning.
    assert pricing.cost(price, usage) == 400_000 + 30_000 + 250_000 + 1_000_000 + 240_000 + 200_000
    assert pricing.cost(price, Usage(200_001, 0)) == 400_002_000
    assert pricing.cost(price, Usage(1000, 100), batch=True) == 700_000


def test_the_lists_know_tiers_and_batches() -> None:
    gemini = pricing.price_of(Deployment(id="d", provider="gemini", model="gemini-2.5-pro"))
    assert gemini is not None
    assert gemini.at(300_000).input == 2 * gemini.at(1000).input
    gpt = pricing.price_of(Deployment(id="d", provider="openai", model="gpt-4o"))
    assert gpt is not None
    assert gpt.batch is not None
    assert gpt.batch.input * 2 == gpt.input
    assert mapped("openai", "gpt-4o") is not None
    assert mapped("openai", "no-such-model") is None


def test_the_tokenizer_counts_offline() -> None:
    assert encoding.of_text("hello world, this is a test") == 7
    assert encoding.of_text("") == 0
    message = {"role": "user", "content": [{"type": "text", "text": "hello"}, {"type": "image_url", "image_url": {}}]}
    assert encoding.count(of_prompt({"messages": [message]})) == 3 + 3 + encoding.of_text("user hello")


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(-1e7, 1e7)), max_size=50))
def test_time_never_runs_backwards_nor_jumps(steps: list[tuple[float, float]]) -> None:
    counter, clock = 0.0, Clock(0.0, 1e9)
    before = 1e9
    for passed, wrong in steps:
        counter += passed
        now = clock.at(counter, 1e9 + counter + wrong)
        assert 0.9 * passed - 1e-6 <= now - before <= 1.1 * passed + 1e-6
        before = now


def test_time_approaches_the_machine_s() -> None:
    clock = Clock(0.0, 0.0)
    assert clock.at(36_000.0, 39_600.0) == pytest.approx(39_600.0)


@given(
    st.integers(1, 10**6),
    st.lists(st.tuples(st.integers(1, 10**5), st.integers(0, 2 * 10**5)), max_size=60),
)
def test_two_gateways_never_promise_more_than_a_budget(budget: int, requests: list[tuple[int, int]]) -> None:
    """The database's rule of `hold`, played with two accounts: what is promised and spent stays within reach."""
    held, spent = [0, 0], 0
    accounts = [Account("key", "k", budget, hold=0) for _ in range(2)]
    for number, (estimate, cost) in enumerate(requests):
        mine = accounts[number % 2]
        if need := mine.lacks(estimate):
            free = budget - spent - sum(held)
            granted = max(need, free // 8) if free > 0 else 0
            held[number % 2] += granted
            mine.hold = (mine.hold or 0) + granted
        if mine.lacks(estimate):
            continue
        mine.held += estimate
        mine.held -= estimate
        mine.charge(cost, 0.0, 0.0)
        unpaid = max(-(mine.free or 0), 0)
        used = cost - min(unpaid, cost)
        spent += cost
        held[number % 2] -= used
        mine.hold = (mine.hold or 0) - used
        mine.unsettled -= cost
        assert held[number % 2] == mine.hold >= 0
    most = max((max(e, c) for e, c in requests), default=0)
    # One grant crosses the budget, and each gateway has one request that costs more than it seemed.
    assert spent < budget + 3 * most
