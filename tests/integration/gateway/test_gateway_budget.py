"""Budgets are crossed exactly, by one key, by many workers, and over the accountant's death."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.gateway.running import Running, mock_model

# 400 prompt tokens at 2.5 and 100 completion tokens at 10 USD per million: 0.002 USD.
COST = {"prompt_tokens": 400, "completion_tokens": 100}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    teams = [{"name": "poor", "budget": {"usd": 0.01, "period": "30d"}}]
    with Running(tmp_path_factory.mktemp("bank"), workers=3, models=[mock_model("demo")], teams=teams) as running:
        yield running


def spent(bank: Running, **labels: str) -> float:
    return bank.total("litellm_budget_spent_usd", **labels)


def test_spending_crosses_80_and_100_percent_exactly_and_then_stops(bank: Running) -> None:
    key = bank.key(key_alias="small", max_budget=0.02)
    for number in range(1, 11):
        assert bank.chat(key, mock=COST).status_code == 200
        bank.until(lambda n=number: spent(bank, key="small") == pytest.approx(0.002 * n), "the gauge follows")
    refused = bank.chat(key, mock=COST)
    assert refused.status_code == 429
    error = refused.json()["error"]
    assert error["type"] == "budget_exceeded"
    assert "key small" in error["message"]
    assert "Max budget: 0.02" in error["message"]
    assert spent(bank, key="small") == 0.02
    assert bank.total("litellm_errors_total", key="small", error_type="budget_exceeded") == 1
    assert bank.total("litellm_requests_total", key="small", status="429") == 1
    assert bank.total("litellm_spend_usd_total", key="small") == pytest.approx(0.02)


def test_the_request_that_crosses_the_budget_is_let_in(bank: Running) -> None:
    key = bank.key(key_alias="crossing", max_budget=0.003)
    assert [bank.chat(key, mock=COST).status_code for _ in range(3)] == [200, 200, 429]
    bank.until(lambda: spent(bank, key="crossing") == 0.004, "the gauge shows what was really spent")


def test_many_at_once_never_exceed_a_budget_by_more_than_one_request(bank: Running) -> None:
    key = bank.key(key_alias="rush", max_budget=0.05)

    def one(_: int) -> int:
        # The gateway can estimate these exactly: its maximum is what the mock provider writes.
        return bank.chat(key, mock={"completion_tokens": 100}, max_tokens=100).status_code

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(one, range(120)))
    while one(0) == 200:
        pass
    assert set(answers) == {200, 429}
    info = bank.admin("GET", "/key/info", params={"key": key})["info"]
    assert 0.05 <= info["spend"] <= 0.05 + 0.00105


def test_a_generous_budget_is_leased_and_still_counted_exactly(bank: Running) -> None:
    key = bank.key(key_alias="rich", max_budget=1000)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: bank.chat(key, mock=COST).status_code, range(100))) == {200}
    assert bank.admin("GET", "/key/info", params={"key": key})["info"]["spend"] == pytest.approx(0.2)
    # Leases that other workers hold are called back before anyone is refused.
    bank.admin("POST", "/key/update", json={"key": key, "max_budget": 0.21})
    assert [bank.chat(key, mock=COST).status_code for _ in range(6)] == [200] * 5 + [429]


def test_a_team_s_budget_binds_all_its_keys(bank: Running) -> None:
    keys = [bank.key(key_alias=f"poor-{n}", team_id="poor") for n in range(2)]
    statuses = [bank.chat(keys[n % 2], mock=COST).status_code for n in range(7)]
    assert statuses == [200] * 5 + [429] * 2
    message = bank.chat(keys[0]).json()["error"]["message"]
    assert "team poor" in message
    bank.until(lambda: spent(bank, key="", team="poor") == 0.01, "the team's gauge")
    assert bank.total("litellm_budget_usd", key="", team="poor") == 0.01


def test_a_stream_is_charged_too(bank: Running) -> None:
    key = bank.key(key_alias="streamer", max_budget=0.004)
    assert [bank.chat(key, mock=COST, stream=True).status_code for _ in range(3)] == [200, 200, 429]


def test_a_failed_request_costs_nothing_and_gives_its_reservation_back(bank: Running) -> None:
    key = bank.key(key_alias="failing", max_budget=0.004)
    for _ in range(5):
        assert bank.chat(key, mock={"error": 500}, max_tokens=100).status_code == 500
    assert [bank.chat(key, mock=COST).status_code for _ in range(3)] == [200, 200, 429]


def test_a_budget_is_right_after_the_accountant_was_killed(bank: Running) -> None:
    key = bank.key(key_alias="survivor", max_budget=0.02)
    for _ in range(5):
        assert bank.chat(key, mock=COST).status_code == 200
    bank.until(lambda: spent(bank, key="survivor") == pytest.approx(0.01), "the gauge follows")
    bank.kill(bank.children("accountant")[0])
    # The page shows the dead accountant's gauges until its successor has its own.
    assert {round(spent(bank, key="survivor"), 9) for _ in range(20)} == {0.01}
    statuses = [bank.chat(key, mock=COST).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]


def test_money_and_keys_survive_a_restart(tmp_path: Path) -> None:
    with Running(tmp_path) as first:
        key = first.key(key_alias="keeper", max_budget=0.004)
        assert first.chat(key, mock=COST).status_code == 200
        assert first.stop() == 0
    with Running(tmp_path) as second:
        assert second.total("litellm_requests_total", key="keeper", status="200") == 0
        assert spent(second, key="keeper") == 0.002
        assert [second.chat(key, mock=COST).status_code for _ in range(2)] == [200, 429]
