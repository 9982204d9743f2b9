"""An accountant that is told to stop while a batch is on its way into the ledger writes and charges it once."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from gateway import state
from gateway.accountant.records import KeyRecord, stored
from gateway.accountant.run import Accountant
from gateway.config import Config
from gateway.ledger import Row, SpoolWriter
from gateway.ledger.sqlite import SqliteStore

CONFIG = {
    "version": 1,
    "instance": "t",
    "listen": {"port": 4000},
    "master_key": "file:master",
    "models": [{"name": "m", "deployments": [{"id": "d", "provider": "mock", "model": "m"}]}],
}
ROWS = 200


def test_a_batch_under_way_at_the_end_is_charged_once(tmp_path: Path) -> None:
    (tmp_path / "master").write_text("sk-master")

    async def run() -> tuple[tuple[int, int], int]:
        place = state.prepare(tmp_path / "state")
        writer = SpoolWriter(place.spool, "w0-a")
        for number in range(ROWS):
            writer.append(tuple(Row(f"r{number}", time.time(), "hash", "k", "", "", "m", cost=7)))
        writer.close()
        store = SqliteStore(place.database)
        await store.open()
        await store.save(stored(KeyRecord(alias="k", hash="hash", shown="sk-...")), time.time())
        loop, writing = asyncio.get_running_loop(), asyncio.Event()

        def between(_: float) -> None:
            loop.call_soon_threadsafe(writing.set)
            time.sleep(0.01)

        store.turns.between = between  # type: ignore[method-assign]
        accountant = Accountant(Config.model_validate(CONFIG), place, store)
        await accountant.open()
        stop = asyncio.Event()
        serving = asyncio.create_task(accountant.serve(stop))
        await writing.wait()
        stop.set()
        await serving
        after = SqliteStore(place.database)
        await after.open()
        sums, (key,) = await after.sums(), [k for k in await after.load() if k.kind == "key"]
        await after.close()
        return sums, key.total

    assert asyncio.run(run()) == ((ROWS, 7 * ROWS), 7 * ROWS)
