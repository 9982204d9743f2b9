"""Prices, accounts, minutes and reservations in integers of nano-USD."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import period, pricing
from gateway.accountant.account import Account, Minute
from gateway.config import Deployment, PriceEntry
from gateway.limits import Gate, Pass
from gateway.limits.link import AccountantLink
from gateway.money import nano_from_usd, usd_from_nano
from gateway.pricing import Price

PRICE = Price(input=2_500_000_000, output=10_000_000_000, cached_input=1_250_000_000)


def test_money_goes_through_text_so_that_a_tenth_is_a_tenth() -> None:
    assert nano_from_usd(0.1) == 100_000_000
    assert nano_from_usd("0.0000000005") == 1
    assert usd_from_nano(20_000_000) == 0.02


@pytest.mark.parametrize(("text", "seconds"), [("10m", 600), ("30d", 2_592_000), ("1mo", 2_592_000), ("2w", 1_209_600)])
def test_durations(text: str, seconds: int) -> None:
    assert period.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "0d", "1.5h", "1y"])
def test_what_is_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        period.seconds(text)


def test_cost_is_exact_and_cached_tokens_are_part_of_the_prompt() -> None:
    assert pricing.cost(PRICE, 400, 100) == 2_000_000
    assert pricing.cost(PRICE, 400, 100, cached=400) == 1_500_000
    assert pricing.cost(PRICE, 0, 0) == 0
    assert pricing.cost(None, 400, 100) is None


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=20))
def test_costs_of_whole_nano_prices_add_up(requests: list[tuple[int, int]]) -> None:
    total = sum(pricing.cost(PRICE, p, c) or 0 for p, c in requests)
    assert total == sum(p for p, _ in requests) * 2500 + sum(c for _, c in requests) * 10000


def test_a_deployment_s_own_price_goes_first_then_the_list_then_none() -> None:
    own = PriceEntry(input_usd_per_million_tokens=1, output_usd_per_million_tokens=2)
    gpt = Deployment(id="d", provider="openai", model="gpt-4o")
    assert pricing.price_of(gpt.model_copy(update={"price": own})) == Price(10**9, 2 * 10**9, 10**9)
    listed = pricing.price_of(gpt)
    assert listed is not None
    assert 0 < listed.cached_input < listed.input < listed.output
    assert pricing.price_of(gpt.model_copy(update={"model": "no-such-model"})) is None
    assert pricing.price_of(Deployment(id="d", provider="mock", model="gpt-4o")) is None


def account(**changes: Any) -> Account:
    return Account(
        **{"table": "keys", "identity": "x", "budget": 100, "duration": "1h", "window_start": 0.0, **changes}
    )


def test_a_period_that_ends_starts_at_zero_and_late_costs_stay_out_of_it() -> None:
    one = account()
    one.charge(60, at=10.0)
    assert (one.free, one.roll(3599.0)) == (40, 0)
    assert one.roll(3 * 3600 + 5.0) == 3
    assert (one.spent, one.total, one.window_start, one.resets_at) == (0, 60, 10800.0, 14400.0)
    one.charge(5, at=10799.0)
    assert (one.spent, one.total) == (0, 65)


def test_a_budget_without_a_period_is_for_ever() -> None:
    one = account(duration=None)
    one.charge(10, at=1.0)
    assert one.roll(1e9) == 0
    assert (one.spent, one.resets_at) == (10, None)


def test_a_minute_lets_exactly_its_limit_through() -> None:
    minute = Minute(rpm=3, tpm=None)
    let_in = 0
    for _ in range(10):
        if not minute.refusal(60.0):
            minute.requests += 1
            let_in += 1
    assert let_in == 3
    assert minute.remaining(60.0) == 0
    assert minute.refusal(120.0) == ""
    assert minute.remaining(120.0) == 3


PASS = {
    "hash": "h",
    "alias": "k",
    "series": "k",
    "team": "",
    "team_id": "",
    "models": [],
    "team_models": [],
    "blocked": False,
    "expires": None,
    "metered": True,
    "rated": False,
    "slotted": False,
}


class Answers(AccountantLink):
    """An accountant that grants a lease of 1000 for every question."""

    def __init__(self) -> None:
        self.asked = 0

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        return {"ok": True, "amount": 1000, "lease": True, "slot": False}


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(0, 400), st.booleans()), max_size=40))
def test_what_is_held_is_what_was_granted_less_what_was_released(steps: list[tuple[int, int, bool]]) -> None:
    import asyncio

    async def play() -> None:
        link = Answers()
        gate, key = Gate(link), Pass(PASS)
        released = returned = 0
        for estimate, cost, recall in steps:
            reservation = gate.enter(key, estimate) or await gate.ask(key, estimate)
            if recall:
                returned += gate.give_back(key.hash)
            released += gate.settle(reservation, cost)
        held = gate.held().get(key.hash, [0, 0])[0]
        assert held == 1000 * link.asked - released - returned

    asyncio.run(play())


def test_a_key_without_a_budget_asks_nobody() -> None:
    link = Answers()
    gate = Gate(link)
    reservation = gate.enter(Pass({**PASS, "metered": False}), 5)
    assert reservation is not None
    assert gate.settle(reservation, 7) == 0
    assert link.asked == 0


def test_a_hidden_model_must_be_named() -> None:
    everything, named = Pass(PASS), Pass({**PASS, "models": ["canary"]})
    assert everything.may_call("demo", hidden=False)
    assert not everything.may_call("canary", hidden=True)
    assert named.may_call("canary", hidden=True)
    assert not named.may_call("demo", hidden=False)
