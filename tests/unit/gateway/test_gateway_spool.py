"""Rows reach the database exactly once, whatever dies between spool and commit."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

import pytest

from gateway.errors import SpoolFullError
from gateway.ledger import Row, SpoolWriter
from gateway.ledger.spool_reader import SpoolReader
from gateway.ledger.sqlite import SqliteStore
from gateway.ledger.store import Batch, Question
from gateway.upstream.sse import EventSplitter, data_of


def row(number: int) -> Row:
    return Row(f"r{number}", 1.0, "hash", "alias", "", "", "m", cost=number, attempts='[["d","p",200]]')


def test_a_reader_that_starts_again_from_the_stored_position_sees_each_row_once(tmp_path: Path) -> None:
    asyncio.run(start_again(tmp_path))


async def start_again(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w0-a")
    store = SqliteStore(tmp_path / "ledger.sqlite")
    await store.open()
    for number in range(3):
        writer.append(tuple(row(number)))
    reader = SpoolReader(tmp_path, await store.positions())
    (name,) = reader.names()
    rows = reader.read(name)
    # The process dies here: nothing was committed, so the next one reads the same rows.
    reader = SpoolReader(tmp_path, await store.positions())
    start = reader.position(name)
    again = reader.read(name)
    assert [r[0] for r in again] == [r[0] for r in rows] == ["r0", "r1", "r2"]
    assert reader.between(name, start, reader.positions[name]) == again
    await store.settle(Batch(1, again, reader.positions))
    writer.append(tuple(row(3)))
    reader = SpoolReader(tmp_path, await store.positions())
    assert [r[0] for r in reader.read(name)] == ["r3"]
    found, count = await store.rows(Question(limit=2))
    assert ([r["request_id"] for r in found], count) == (["r2", "r1"], 3)
    assert await store.sums() == (3, 3)
    writer.close()
    await store.close()


def put(path: Path, at: int, data: bytes, end: int) -> None:
    """As a writer would: the data, then the end of the last row."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)
        file.seek(8)
        file.write(end.to_bytes(8, "little"))


def test_half_a_row_is_left_until_it_is_whole(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w0-a")
    writer.append(tuple(row(0)))
    name, size = writer.position
    put(tmp_path / name, size, b'["ha', size)
    reader = SpoolReader(tmp_path, {})
    assert len(reader.read(name)) == 1
    assert reader.positions[name] == size
    assert reader.read(name) == []
    writer.close()
    assert reader.remove_if_finished(name)


def test_an_end_that_is_seen_before_its_row_waits_for_the_row(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w0-a")
    writer.append(tuple(row(0)))
    name, size = writer.position
    line = (tmp_path / name).read_bytes()[16:size]
    # The middle of the row is not there yet, as another processor may see it.
    put(tmp_path / name, size, line[:5] + bytes(len(line) - 6) + b"\n", size + len(line))
    reader = SpoolReader(tmp_path, {})
    assert len(reader.read(name)) == 1
    assert reader.read(name) == []
    put(tmp_path / name, size, line, size + len(line))
    assert [r[0] for r in reader.read(name)] == ["r0"]
    # Whoever wrote this is gone: what is not whole now never will be.
    put(tmp_path / name, size + len(line), bytes(9) + b"\n" + line, size + 2 * len(line) + 10)
    assert reader.read(name) == []
    writer.close()
    assert len(reader.read(name)) == 1
    assert reader.remove_if_finished(name)


def test_a_line_that_is_not_a_row_is_left_out_and_later_rows_are_not(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w0-a")
    writer.append(tuple(row(0)))
    name, size = writer.position
    line = (tmp_path / name).read_bytes()[16:size]
    bad = b'not json\n{"unknown": 1}\n[1]\n'
    put(tmp_path / name, size, bad + line, size + len(bad) + len(line))
    reader = SpoolReader(tmp_path, {})
    rows, end = reader.read(name), reader.positions[name]
    assert [r[0] for r in rows] == ["r0", "r0"]
    assert reader.starts(name, 16, end) == [16, size + len(bad)]
    assert reader.between(name, 16, end) == rows
    writer.close()


def test_a_file_that_is_no_spool_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "w9-z.000000.spool").write_bytes(b'["of another version"]\n')
    reader = SpoolReader(tmp_path, {})
    (name,) = reader.names()
    assert reader.read(name) == []
    assert not reader.remove_if_finished(name)
    assert (tmp_path / name).exists()


def test_a_spool_that_is_full_goes_on_in_the_next_file(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w0-a")
    large = row(0)._replace(end_user="x" * (1 << 18))
    reader, found = SpoolReader(tmp_path, {}), 0
    for _ in range(10):
        writer.append(tuple(large))
    for name in reader.names():
        while rows := reader.read(name):
            found += len(rows)
    assert found == 10
    assert len(reader.names()) == 2
    assert reader.remove_if_finished(reader.names()[0])
    writer.close()


def test_a_spool_is_deleted_only_when_nobody_writes_to_it(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w0-a")
    writer.append(tuple(row(0)))
    reader = SpoolReader(tmp_path, {})
    (name,) = reader.names()
    assert len(reader.read(name)) == 1
    assert not reader.remove_if_finished(name)
    writer.append(tuple(row(1)))
    writer.close()
    assert not reader.remove_if_finished(name)
    assert len(reader.read(name)) == 1
    assert reader.remove_if_finished(name)
    assert reader.names() == []


def test_a_full_disk_keeps_rows_in_memory_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SpoolWriter(tmp_path, "w0-a")
    writer.append(tuple(row(0)))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    large, refused = "x" * 50_000, 0
    for number in range(1, 10):
        try:
            writer.append(tuple(row(number)._replace(end_user=large)))
        except SpoolFullError:
            refused += 1
    assert refused >= 2
    monkeypatch.undo()
    writer.append(tuple(row(10)))
    reader = SpoolReader(tmp_path, {})
    (name,) = reader.names()
    assert [r[0] for r in reader.read(name)] == [f"r{number}" for number in range(11)]
    writer.close()


def test_without_room_for_another_file_rows_wait_and_the_old_one_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SpoolWriter(tmp_path, "w0-a")
    first = writer.position[0]
    large = row(0)._replace(end_user="x" * (1 << 18))
    for _ in range(7):
        writer.append(tuple(large))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    for broken in ("open", "posix_fallocate"):
        with monkeypatch.context() as patch:
            patch.setattr(os, broken, full)
            with pytest.raises(SpoolFullError, match="No space left"):
                writer.append(tuple(large))
    assert writer.position[0] == first
    writer.flush()
    assert writer.position[0] > first
    writer.append(tuple(row(3)))
    reader, found = SpoolReader(tmp_path, {}), 0
    for name in reader.names():
        while rows := reader.read(name):
            found += len(rows)
    assert found == 7 + 2 + 1
    # The old file is nobody's any more, and nothing is left of the attempts.
    assert [reader.remove_if_finished(name) for name in reader.names()] == [True, False]
    assert len(list(tmp_path.iterdir())) == 1
    writer.close()


def sizes_without_a_name(directory: Path) -> list[int]:
    """Of the files below `directory` that are deleted and still open."""
    held = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            link = str(descriptor.readlink())
            if link.startswith(str(directory)) and link.endswith(" (deleted)"):
                held.append(descriptor.stat().st_size)
    return held


def test_what_a_deleted_spool_held_is_given_back_piece_by_piece(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "w0-a")
    reader = SpoolReader(tmp_path, {})
    writer.close()
    (name,) = reader.names()
    assert reader.remove_if_finished(name)
    assert list(tmp_path.iterdir()) == []
    held = sizes_without_a_name(tmp_path)
    seen = [held]
    while held and len(seen) < 100:
        reader.free_some()
        held = sizes_without_a_name(tmp_path)
        seen.append(held)
    sizes = [size for (size,) in seen[:-1]]
    assert sizes == sorted(set(sizes), reverse=True), "each time less"
    assert len(sizes) > 10
    assert held == []
    reader.free_some()


def test_events_are_split_wherever_the_network_cuts_them() -> None:
    stream = b'data: {"a":1}\r\n\r\n: comment\n\ndata: one\ndata: two\n\ndata: [DONE]\n\n'
    expected = [b'{"a":1}', b"", b"one\ntwo", b"[DONE]"]
    for cut in range(1, len(stream)):
        splitter = EventSplitter()
        events = splitter.feed(stream[:cut]) + splitter.feed(stream[cut:])
        assert [data_of(event) for event in events] == expected, cut
