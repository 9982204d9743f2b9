"""Many requests of one key at once, and many keys: what they ask for, hold and look through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from gateway.accountant.books import Books
from gateway.accountant.holdings import Holdings
from gateway.accountant.records import KeyRecord, Owner, TeamRecord, UserRecord
from gateway.accountant.windows import LocalWindows
from gateway.config import Config
from gateway.errors import AccountantGoneError, ApiError
from gateway.ledger.sqlite import SqliteStore
from gateway.limits import Gate
from gateway.limits.link import AccountantLink
from gateway.limits.passes import Pass
from tests.unit.gateway.passes import PASS

RATED = {**PASS, "rated": True}
CROWD = 64


class Answers(AccountantLink):
    """An accountant that takes its time and gives what it is told to."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.asked, self.answer = 0, answer

    async def ask(self, _: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        await asyncio.sleep(0.01)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def crowd(link: Answers, key: Pass, leave: int = 0) -> list[Any]:
    async def run() -> list[Any]:
        gate = Gate(link)
        tasks = [asyncio.create_task(gate.ask(key, 5)) for _ in range(CROWD)]
        await asyncio.sleep(0)
        for task in tasks[:leave]:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(run())


LEASE = {"ok": True, "amount": 1000, "lease": True, "slot": False, "turns": 500, "turns_for_s": 30.0}


def test_a_crowd_asks_once_for_all() -> None:
    link = Answers(LEASE)
    reservations = crowd(link, Pass(RATED))
    assert [r.amount for r in reservations] == [5] * CROWD
    assert link.asked == 1


def test_what_one_gets_may_not_be_enough_for_all() -> None:
    link = Answers({**LEASE, "amount": 50})
    reservations = crowd(link, Pass(RATED))
    assert [r.amount for r in reservations] == [5] * CROWD
    # Ten fit into the first answer; nobody else waits twice.
    assert link.asked == 1 + CROWD - 10


def test_who_asks_for_all_may_leave() -> None:
    link = Answers(LEASE)
    reservations = crowd(link, Pass(RATED), leave=1)
    assert isinstance(reservations[0], asyncio.CancelledError)
    assert [r.amount for r in reservations[1:]] == [5] * (CROWD - 1)


@pytest.mark.parametrize("error", [AccountantGoneError("away"), None])
def test_a_refusal_is_everybodys_own(error: Exception | None) -> None:
    refusal = {"ok": False, "kind": "budget_exceeded", "message": "", "retry_after": 0}
    link = Answers(error or refusal)
    assert {type(r) for r in crowd(link, Pass(RATED))} == {ApiError}
    assert link.asked == CROWD


def test_requests_that_are_counted_singly_do_not_wait_for_each_other() -> None:
    link = Answers({"ok": True, "amount": 5, "lease": False, "slot": True, "minute": 1})
    reservations = crowd(link, Pass({**RATED, "counted_singly": True}))
    assert len(reservations) == link.asked == CROWD


def with_books(path: Path, use: Callable[[Books], Coroutine[Any, Any, None]]) -> None:
    (path / "master").write_text("sk-master")

    async def run() -> None:
        config = Config.model_validate(
            {
                "version": 1,
                "instance": "t",
                "listen": {"port": 4000},
                "master_key": "file:master",
                "models": [{"name": "m", "deployments": [{"id": "d", "provider": "mock", "model": "m"}]}],
            }
        )
        store = SqliteStore(path / "ledger.sqlite")
        await store.open()
        books = Books(config, store)
        await books.open()
        await use(books)
        await store.close()

    asyncio.run(run())


def key(name: str, **fields: Any) -> KeyRecord:
    return KeyRecord(alias=name, hash=name, shown="sk-...", **fields)


def test_a_crowd_holds_no_more_than_its_worker_s_share(tmp_path: Path) -> None:
    async def use(books: Books) -> None:
        one = await books.put_key(key("k", max_budget=8_000_000))
        holdings = Holdings(books, LocalWindows())
        granted = [holdings.grant("w0", one, 10, None) for _ in range(CROWD)]
        share = one.account.budget // (8 * books.config.workers)  # type: ignore[operator]
        assert granted[0]["amount"] == share
        assert [g["amount"] for g in granted[1:]] == [10] * (CROWD - 1)
        assert all(g["lease"] for g in granted)
        assert one.account.held == share + 10 * (CROWD - 1)
        # What was used is filled up.
        holdings.give_back("w0", "k", share)
        again = holdings.grant("w0", one, 10, None)["amount"]
        assert share * 0.9 < again < share

    with_books(tmp_path, use)


def test_the_keys_of_a_budget_are_known(tmp_path: Path) -> None:
    async def use(books: Books) -> None:
        red, blue = [await books.put(TeamRecord(alias=a, team_id=a)) for a in ("red", "blue")]
        ann = await books.put(UserRecord(alias="ann", user_id="ann"))
        assert isinstance(red, Owner) and isinstance(blue, Owner) and isinstance(ann, Owner)  # noqa: PT018
        first = await books.put_key(key("a", team_id="red"))
        await books.put_key(key("b", team_id="red", user_id="ann"))
        alone = await books.put_key(key("c"))
        await books.put_key(key("d", team_id="blue", user_id="ann"))

        def names(keys: list[Any]) -> set[str]:
            return {k.record.hash for k in keys}

        assert names(books.keys_of(red)) == {"a", "b"}
        assert names(books.keys_of(ann)) == {"b", "d"}
        assert names(books.peers(books.keys["b"])) == {"a", "b", "d"}
        assert names(books.peers(alone)) == {"c"}
        assert names(books.payers(red.account)) == {"a", "b"}
        assert names(books.payers(alone.account)) == {"c"}

        await books.put_key(key("a", team_id="blue"))
        assert names(books.keys_of(red)) == {"b"}
        assert names(books.keys_of(blue)) == {"a", "d"}
        moved = await books.rotate(first, key("a2", team_id="blue", previous=["a"]))
        assert names(books.keys_of(blue)) == {"a2", "d"}
        await books.drop(moved.account)
        assert names(books.keys_of(blue)) == {"d"}
        assert names(books.payers(moved.account)) == set()

    with_books(tmp_path, use)
