"""Rows reach the database exactly once, whatever dies between spool and commit."""

from __future__ import annotations

import asyncio
import os
from dataclasses import astuple
from pathlib import Path

import pytest

from gateway.errors import SpoolFullError
from gateway.ledger import Row, SpoolWriter
from gateway.ledger.spool import SpoolReader
from gateway.ledger.sqlite import SqliteStore
from gateway.ledger.store import Batch, Question
from gateway.upstream.sse import EventSplitter, data_of


def row(number: int) -> Row:
    return Row(f"r{number}", 1.0, "hash", "alias", "", "", "m", cost=number, attempts=[("d", "p", 200)])


def test_a_reader_that_starts_again_from_the_stored_position_sees_each_row_once(tmp_path: Path) -> None:
    asyncio.run(start_again(tmp_path))


async def start_again(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w0-a")
    store = SqliteStore(tmp_path / "ledger.sqlite")
    await store.open()
    for number in range(3):
        writer.append(astuple(row(number)))
    reader = SpoolReader(tmp_path, await store.positions())
    (name,) = reader.names()
    rows = [found for _, found in reader.read(name)]
    # The process dies here: nothing was committed, so the next one reads the same rows.
    reader = SpoolReader(tmp_path, await store.positions())
    again = [found for _, found in reader.read(name)]
    assert [r.request_id for r in again] == [r.request_id for r in rows] == ["r0", "r1", "r2"]
    assert reader.between(name, 0, reader.positions[name]) == again
    await store.settle(Batch(1, again, reader.positions))
    writer.append(astuple(row(3)))
    reader = SpoolReader(tmp_path, await store.positions())
    assert [r.request_id for _, r in reader.read(name)] == ["r3"]
    found, count = await store.rows(Question(limit=2))
    assert ([r["request_id"] for r in found], count) == (["r2", "r1"], 3)
    assert await store.sums() == (3, 3)
    writer.close()
    await store.close()


def test_half_a_row_is_left_until_it_is_whole(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w0-a")
    writer.append(astuple(row(0)))
    name, size = writer.position
    with (tmp_path / name).open("ab") as file:
        file.write(b'{"request_id": "ha')
    reader = SpoolReader(tmp_path, {})
    assert len(reader.read(name)) == 1
    assert reader.positions[name] == size
    assert reader.read(name) == []
    writer.close()


def test_a_line_that_is_not_a_row_is_left_out_and_later_rows_are_not(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w0-a")
    writer.append(astuple(row(0)))
    name, _ = writer.position
    with (tmp_path / name).open("ab") as file:
        file.write(b'not json\n{"unknown": 1}\n')
    writer.append(astuple(row(1)))
    rows = SpoolReader(tmp_path, {}).read(name)
    assert [r.request_id for _, r in rows] == ["r0", "r1"]
    writer.close()


def test_a_spool_is_deleted_only_when_nobody_writes_to_it(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w0-a")
    writer.append(astuple(row(0)))
    reader = SpoolReader(tmp_path, {})
    (name,) = reader.names()
    assert len(reader.read(name)) == 1
    assert not reader.remove_if_finished(name)
    writer.append(astuple(row(1)))
    writer.close()
    assert not reader.remove_if_finished(name)
    assert len(reader.read(name)) == 1
    assert reader.remove_if_finished(name)
    assert reader.names() == []


def test_a_full_disk_keeps_rows_in_memory_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SpoolWriter(tmp_path, "w0-a")
    writer.append(astuple(row(0)))
    real = os.write

    def half(file: int, data: bytes) -> int:
        return real(file, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half)
    for number in (1, 2):
        with pytest.raises(SpoolFullError):
            writer.append(astuple(row(number)))
    monkeypatch.undo()
    writer.append(astuple(row(3)))
    reader = SpoolReader(tmp_path, {})
    (name,) = reader.names()
    assert [r.request_id for _, r in reader.read(name)] == ["r0", "r1", "r2", "r3"]
    writer.close()


def test_events_are_split_wherever_the_network_cuts_them() -> None:
    stream = b'data: {"a":1}\r\n\r\n: comment\n\ndata: one\ndata: two\n\ndata: [DONE]\n\n'
    expected = [b'{"a":1}', b"", b"one\ntwo", b"[DONE]"]
    for cut in range(1, len(stream)):
        splitter = EventSplitter()
        events = splitter.feed(stream[:cut]) + splitter.feed(stream[cut:])
        assert [data_of(event) for event in events] == expected, cut
