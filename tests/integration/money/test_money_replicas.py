"""Two gateways of four workers on one PostgreSQL keep one set of books."""

from __future__ import annotations

import time

import pytest

from tests.integration.gateway.running import MASTER
from tests.integration.money.conftest import Pair
from tests.integration.money.databases import PASSWORD
from tests.integration.money.load import KINDS, PROMPT, send

SMALL = (("cheap", False),)
pytestmark = pytest.mark.xdist_group("money-pair")


def early_in_a_minute(seconds: float) -> None:
    """Wait until the current minute has this much left."""
    if 60 - time.time() % 60 < seconds:
        time.sleep(60.5 - time.time() % 60)


@pytest.fixture
def counting(pair: Pair) -> None:
    """Wait until both gateways count together again: a test before this one may have stopped the database."""
    for gateway in pair.gateways:
        key = gateway.key(rpm_limit=1000)
        gateway.until(lambda k=key, g=gateway: send([g.port], k, 1, kinds=SMALL).statuses[200] == 1, "limits work", 150)


def test_ledger_metrics_and_the_provider_s_bill_agree_to_the_last_nano_dollar(pair: Pair) -> None:
    key = pair.first.key(key_alias="mixed", max_budget=10_000)
    before = pair.provider.bill()
    told = send(pair.ports, key, 1400, kinds=(*KINDS, ("dead", False)), cached=True)
    pair.settled()
    bill = pair.provider.bill()
    rows, cost = pair.ledger("mixed")
    assert rows == 1400
    assert told.statuses == {200: 1400}
    assert 0 < pair.metric("litellm_cache_hits_total") < 280
    assert cost == bill["nano"] - before["nano"] > 0
    assert bill["failures"] > before["failures"]
    assert pair.metric("litellm_spend_usd_total", key="mixed") == pytest.approx(cost / 1e9, abs=1e-9)
    assert pair.metric("litellm_requests_total", key="mixed") == rows
    spends = [g.admin("GET", "/key/info", params={"key": key})["info"]["spend"] for g in pair.gateways]
    assert min(spends) <= max(spends) == pytest.approx(cost / 1e9, abs=1e-9)
    distinct = pair.postgres.query("select count(distinct request_id) from ledger where alias = 'mixed'")
    assert distinct[0][0] == rows


def test_a_budget_is_not_exceeded_by_two_gateways_at_once(pair: Pair) -> None:
    key = pair.first.key(key_alias="dollar", max_budget=1)
    # 1000 prompt and 400 completion tokens of `dear` cost 0.009 USD; 112 of them are more than a dollar.
    told = send(pair.ports, key, 200, kinds=(("dear", False),), tokens=(1000, 400))
    pair.settled()
    rows, cost = pair.ledger("dollar")
    each = 9_000_000
    assert set(told.statuses) == {200, 429}
    assert cost == told.statuses[200] * each
    # 16 requests in flight, of each of which 1000 prompt tokens were not known.
    assert cost <= 10**9 + 16 * 3_000_000
    # What is left is too little for many: nobody sat on the rest.
    assert cost > 10**9 - 8 * each
    assert rows == 200


def test_exactly_100_requests_a_minute_pass_through_both(pair: Pair, counting: None) -> None:
    key = pair.first.key(key_alias="hundred", rpm_limit=100)
    early_in_a_minute(25)
    minute = int(time.time() // 60)
    told = send(pair.ports, key, 260, kinds=(("cheap", False),), tokens=(5, 5), at_once=24)
    assert int(time.time() // 60) == minute, "the machine took longer than the minute had left"
    assert told.statuses == {200: 100, 429: 160}


def test_parallel_requests_are_counted_over_both(pair: Pair, counting: None) -> None:
    key = pair.first.key(key_alias="narrow", max_parallel_requests=3)
    told = send(pair.ports, key, 40, kinds=(("slow", False),), tokens=(5, 5), at_once=12)
    assert told.statuses[200] >= 3
    assert pair.provider.bill()["most_busy"] == 3
    pair.settled()
    # Every place is free again.
    again = send(pair.ports, key, 3, kinds=(("slow", False),), tokens=(5, 5), at_once=1)
    assert again.statuses == {200: 3}


def test_tokens_per_minute_are_shared(pair: Pair, counting: None) -> None:
    key = pair.second.key(key_alias="tokens", tpm_limit=1000)
    early_in_a_minute(25)
    minute = int(time.time() // 60)
    told = send(pair.ports, key, 40, kinds=(("cheap", False),), tokens=(60, 40), at_once=1)
    assert int(time.time() // 60) == minute, "the machine took longer than the minute had left"
    assert 10 <= told.statuses[200] <= 12


def test_a_key_made_on_one_gateway_works_at_once_on_the_other(pair: Pair) -> None:
    for number in range(20):
        key = pair.gateways[number % 2].key(key_alias=f"fresh-{number}")
        other = pair.ports[(number + 1) % 2]
        assert send([other], key, 1, kinds=SMALL, at_once=1).statuses == {200: 1}
    # Neither does a key that nobody made.
    assert send(pair.ports, "sk-" + "x" * 30, 40, kinds=SMALL).statuses == {401: 40}


def test_what_one_gateway_changes_the_other_knows(pair: Pair) -> None:
    key = pair.first.key(key_alias="travels")

    def status() -> int:
        return next(iter(send([pair.second.port], key, 1, kinds=(("cheap", False),)).statuses))

    pair.second.until(lambda: status() == 200, "the key works on the other gateway")
    pair.first.admin("POST", "/key/block", json={"key": key})
    pair.second.until(lambda: status() == 401, "it is blocked there too")
    pair.second.admin("POST", "/key/unblock", json={"key": key})
    assert status() == 200
    fresh = pair.first.admin("POST", f"/key/{key}/regenerate")["key"]
    pair.second.until(lambda: status() == 401, "the old secret stops")
    key = fresh
    pair.second.until(lambda: status() == 200, "the new one works")
    pair.second.admin("POST", "/key/delete", json={"keys": [fresh]})
    pair.first.until(lambda: next(iter(send([pair.first.port], key, 1).statuses)) == 401, "it is gone")


def test_a_period_ends_once_however_many_gateways_watch(pair: Pair) -> None:
    pair.first.key(key_alias="seconds", max_budget=1, budget_duration="2s")
    ((start,),) = pair.postgres.query("select window_start from accounts where alias = 'seconds'")
    resets = lambda: pair.metric("litellm_budget_resets_total", key="seconds")  # noqa: E731
    pair.first.until(lambda: resets() >= 3, "three periods ended")
    pair.first.admin(
        "POST", "/key/update", json={"key_alias": "seconds", "budget_duration": "30d", "key": key_of(pair)}
    )
    time.sleep(1.5)
    ((now,),) = pair.postgres.query("select window_start from accounts where alias = 'seconds'")
    assert resets() == (now - start) // 2


def key_of(pair: Pair) -> str:
    ((identity,),) = pair.postgres.query("select identity from accounts where alias = 'seconds'")
    return str(identity)


def test_neither_database_nor_logs_hold_a_key_or_a_word_of_content(pair: Pair) -> None:
    key = pair.first.key(key_alias="private", max_budget=1)
    send(pair.ports, key, 12)
    pair.settled()
    texts = {"database": pair.postgres.dump()}
    for gateway in pair.gateways:
        texts[str(gateway.log)] = gateway.log.read_text()
        for path in gateway.state.rglob("*"):
            if path.is_file():
                texts[str(path)] = path.read_bytes().decode("latin-1")
    assert "private" in texts["database"]
    for secret in (key, MASTER, PROMPT, "secret answer", PASSWORD):
        assert [where for where, text in texts.items() if secret in text] == []
