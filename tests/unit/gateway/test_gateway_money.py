"""Prices, accounts, minutes and reservations in integers of nano-USD."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import period, pricing
from gateway.accountant.account import Account
from gateway.accountant.windows import Limits, LocalWindows
from gateway.config import Deployment, PriceEntry
from gateway.errors import ApiError
from gateway.limits import Gate, Pass
from gateway.limits.link import AccountantLink
from gateway.money import nano_from_usd, usd_from_nano
from gateway.pricing import Price
from gateway.tokens import Usage
from tests.unit.gateway.passes import PASS

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
    assert pricing.cost(PRICE, Usage(400, 100)) == 2_000_000
    assert pricing.cost(PRICE, Usage(400, 100, cached=400)) == 1_500_000
    assert pricing.cost(PRICE, Usage(0, 0)) == 0
    assert pricing.cost(None, Usage(400, 100)) is None


def test_a_deployment_s_own_price_goes_first_then_the_lists_then_none() -> None:
    own = PriceEntry(input_usd_per_million_tokens=1, output_usd_per_million_tokens=2)
    gpt = Deployment(id="d", provider="openai", model="gpt-4o")
    assert pricing.price_of(gpt.model_copy(update={"price": own})) == Price(
        10**9, 2 * 10**9, batch=Price(5 * 10**8, 10**9)
    )
    listed = pricing.price_of(gpt)
    assert listed is not None
    assert 0 < (listed.cached_input or 0) < listed.input < listed.output
    assert pricing.price_of(gpt.model_copy(update={"model": "no-such-model"})) is None
    assert pricing.price_of(Deployment(id="d", provider="mock", model="gpt-4o")) is None


def account(**changes: Any) -> Account:
    return Account(**{"kind": "key", "identity": "x", "budget": 100, "period_s": 3600, **changes})


def test_a_period_that_ends_starts_at_zero_and_late_costs_stay_out_of_it() -> None:
    one = account()
    assert one.charge(60, 10.0, 10.0) == 0
    assert (one.free, one.resets_at) == (40, 3600)
    assert one.charge(7, 3 * 3600 + 5.0, 3 * 3600 + 5.0) == 10800
    assert (one.spent, one.total, one.window_start, one.resets_at) == (7, 67, 10800, 14400)
    assert one.charge(5, 10799.0, 10801.0) == 7200
    assert (one.spent, one.total) == (7, 72)


def test_nothing_is_free_when_the_clock_was_set_back_before_the_period() -> None:
    one = account(window_start=7200)
    assert one.charge(5, 100.0, 101.0) == 7200
    assert one.spent == 5


def test_a_budget_without_a_period_is_for_ever() -> None:
    one = account(period_s=None)
    one.charge(10, 1.0, 1.0)
    one.charge(10, 1e9, 1e9)
    assert (one.spent, one.resets_at) == (20, None)


def test_one_of_several_gateways_lets_in_only_what_it_holds() -> None:
    one = account(hold=50)
    assert one.free == 50
    assert one.lacks(50) == 0
    assert one.lacks(60) == 10
    one.charge(20, 1.0, 1.0)
    assert one.free == 30
    assert one.lacks(31) == 1


def test_a_minute_lets_exactly_its_limit_through() -> None:
    windows = LocalWindows()
    limits = Limits("key:x", rpm=3)
    assert [windows.take_now(limits, 0).refusal for _ in range(5)] == ["", "", "", "requests", "requests"]
    windows.give_back("key:x", windows.last["key:x"].minute, 1, 0, 0)
    assert [windows.take_now(limits, 0).refusal for _ in range(2)] == ["", "requests"]


def test_tokens_are_reserved_before_and_corrected_after() -> None:
    windows = LocalWindows()
    limits = Limits("key:x", tpm=100)
    first = windows.take_now(limits, 90)
    assert (first.refusal, first.tokens_left) == ("", 10)
    assert windows.take_now(limits, 90).refusal == ""
    assert windows.take_now(limits, 1).refusal == "tokens"
    windows.give_back("key:x", first.minute, 0, 150, 0)
    assert windows.take_now(limits, 1).tokens_left == 69


def test_parallel_requests_are_given_back_one_by_one() -> None:
    windows = LocalWindows()
    limits = Limits("key:x", parallel=2)
    assert [windows.take_now(limits, 0).refusal for _ in range(3)] == ["", "", "parallel"]
    windows.give_back("key:x", 0, 0, 0, 1)
    assert [windows.take_now(limits, 0).refusal for _ in range(2)] == ["", "parallel"]


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
                returned += gate.give_back(key.hash)[0]
            released += gate.settle(reservation, cost)
        held = gate.held().get(key.hash, [0, 0])[0]
        assert held == 1000 * link.asked - released - returned

    asyncio.run(play())


class Bank(AccountantLink):
    """One budget, promised as the accountant does: leases while there is much, single requests towards the end."""

    def __init__(self, budget: int) -> None:
        self.account = Account("key", "h", budget)
        self.gates: list[Gate] = []

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        estimate, account = message["estimate"], self.account
        if account.lacks(estimate):
            return {"ok": False, "kind": "budget_exceeded", "message": "", "retry_after": 0}
        share = (account.free or 0) // 16
        lease = share >= 8 * max(estimate, 1)
        amount = share if lease else estimate
        account.held += amount
        return {"ok": True, "amount": amount, "lease": lease, "slot": False}

    def book(self, released: int, cost: int) -> None:
        """A row was read: see `Holdings.release`, `Intake` and `Desk.overdrawn`."""
        self.account.held -= released
        self.account.charge(cost, 0.0, 0.0)
        if (self.account.free or 0) < 0:
            self.account.held -= sum(gate.give_back("h")[0] for gate in self.gates)


@pytest.mark.parametrize("seed", range(60))
def test_at_no_admission_is_more_known_to_be_spent_than_the_budget_and_one_estimate(seed: int) -> None:
    """Four workers; whatever an answer costs beyond its estimate counts before the next request is let in."""
    import asyncio

    async def play() -> None:
        draw = Random(seed)
        budget, at_once = draw.randint(1, 5000), draw.randint(1, 40)
        bank, key = Bank(budget), Pass(PASS)
        gates = bank.gates = [Gate(bank) for _ in range(4)]
        flying: list[list[tuple[Any, int]]] = [[] for _ in gates]
        spent = 0
        for _ in range(600):
            worker, estimate, cost = draw.randrange(4), draw.randint(1, 5), draw.randint(0, 30)
            gate = gates[worker]
            if sum(map(len, flying)) >= at_once or draw.random() < 0.3:
                if flying[worker]:
                    reservation, _ = flying[worker].pop(0)
                    spent += cost
                    bank.book(gate.settle(reservation, cost), cost)
                continue
            try:
                reservation = gate.enter(key, estimate) or await gate.ask(key, estimate)
            except ApiError:
                continue
            flying[worker].append((reservation, estimate))
            known = spent + sum(one for each in flying for _, one in each)
            assert known <= budget + estimate
        # All that is held is a lease's rest or a request in flight.
        leased = sum(gate.held().get(key.hash, [0, 0])[0] for gate in gates)
        assert bank.account.held == leased >= 0

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
