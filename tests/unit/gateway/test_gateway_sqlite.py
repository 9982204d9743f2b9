"""How rows reach the embedded database: evenly, and out of memory once they are in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import apsw
import pytest

from gateway.ledger import Row
from gateway.ledger.sqlite import SqliteStore
from gateway.ledger.store import Batch, Stored, StoreError


def rows(count: int) -> list[list[Any]]:
    return [list(Row(f"r{number}", 1.0, "hash", "alias", "", "", "m", cost=1)) for number in range(count)]


def with_store(path: Path, use: Callable[[SqliteStore], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        store = SqliteStore(path / "ledger.sqlite")
        await store.open()
        await use(store)
        await store.close()

    asyncio.run(run())


def test_a_batch_with_time_is_written_evenly(tmp_path: Path) -> None:
    async def use(store: SqliteStore) -> None:
        dues: list[float] = []
        store.turns.between = dues.append  # type: ignore[method-assign]
        begun = time.perf_counter()
        await store.settle(Batch(1, rows(80), {}, until=begun + 1000.0))
        of_rows = [due - begun for due in dues if due]
        assert of_rows == pytest.approx([100.0 * number for number in range(10)], abs=50.0)

    with_store(tmp_path, use)


def test_what_is_written_leaves_the_memory_and_what_is_not_stays(tmp_path: Path) -> None:
    async def use(store: SqliteStore) -> None:
        batch = Batch(1, rows(100), {"spool": 5})
        await store.settle(batch)
        assert batch.rows == []
        broken = Batch(2, rows(100), {"spool": 9})
        broken.rows[50][0] = None
        with pytest.raises(StoreError):
            await store.settle(broken)
        assert len(broken.rows) == 100
        assert await store.sums() == (100, 100)
        assert await store.positions() == {"spool": 5}

    with_store(tmp_path, use)


def test_the_ends_of_periods_are_found_without_reading_every_account(tmp_path: Path) -> None:
    asked: list[str] = []

    def note(_: apsw.Cursor, sql: str, __: Any) -> bool:
        asked.append(sql)
        return True

    async def use(store: SqliteStore) -> None:
        key = await store.save(Stored("key", "hash", "alias", {}, 5, 60), 1000.0)
        assert key.window_start == 1000
        store._db.exec_trace = note
        (rolled,) = await store.roll(1130.0)
        assert (rolled.window_start, rolled.ended) == (1120, 2)
        store._db.exec_trace = None
        assert len(asked) == 2
        for sql in asked:
            ((*_, plan),) = await store._ask(f"explain query plan {sql}", (5,))
            assert "accounts_by_end" in plan

    with_store(tmp_path, use)
