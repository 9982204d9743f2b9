"""One file of float64 cells in prometheus_client's multiprocess format, written in place.

Layout (prometheus_client/mmap_dict.py): int32 used, 4 bytes padding, then per entry int32 length, the key
as JSON padded with spaces to a multiple of 8, float64 value, float64 timestamp. Values are 8-aligned, so one
shared view of float64 reaches every cell, and a store is one aligned 8-byte write.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

_FIRST_SIZE: Final = 1 << 16
_INT: Final = struct.Struct("i")


class CellFile:
    """`view[cell]` is the value; `view` is replaced when the file grows, so look it up at every use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.cells: dict[str, int] = {}
        self._size = 0
        self._map_at_least(_FIRST_SIZE)
        self._adopt()

    def cell(self, key: str) -> int:
        """The cell of a key, made with value 0 when it is new. Raises OSError when the disk is full."""
        found = self.cells.get(key)
        return self._append(key) if found is None else found

    def cells_of(self, keys: Sequence[str]) -> tuple[int, ...]:
        """The cells of several keys, all or none: half a histogram would be a lie. Raises OSError."""
        self._map_at_least(self._used + sum(20 + _padded(len(key.encode())) for key in keys))
        return tuple(self.cell(key) for key in keys)

    def close(self) -> None:
        """Unmap and close; cells must not be used afterwards."""
        self.view.release()
        self._memory.close()
        os.close(self._file)

    def _map_at_least(self, wanted: int) -> None:
        if wanted <= self._size:
            return
        size = max(os.fstat(self._file).st_size, _FIRST_SIZE)
        while size < wanted:
            size *= 2
        # Without the blocks a full disk would be a SIGBUS at the first store.
        os.posix_fallocate(self._file, 0, size)
        self._memory = mmap.mmap(self._file, size)
        self.view = memoryview(self._memory).cast("d")
        self._size = size

    def _adopt(self) -> None:
        """Go on with the entries a dead predecessor left: counters must not go backwards."""
        self._used = _INT.unpack_from(self._memory, 0)[0] or 8
        self.cells = dict(entries(self._memory, 8, self._used))
        self._memory[0:4] = _INT.pack(self._used)

    def _append(self, key: str) -> int:
        raw = key.encode()
        start = self._used
        value = start + 4 + _padded(len(raw))
        self._map_at_least(value + 16)
        self._memory[start : value + 16] = _INT.pack(len(raw)) + raw.ljust(value - start - 4) + bytes(16)
        # `used` is published last, so a reader never meets half an entry.
        self._memory[0:4] = _INT.pack(value + 16)
        self._used = value + 16
        cell = self.cells[key] = value // 8
        return cell


def _padded(length: int) -> int:
    """Length of a key with its padding: the format pads an aligned key by 8, never by 0."""
    return length + 8 - (length + 4) % 8


def entries(memory: mmap.mmap, start: int, used: int) -> Iterator[tuple[str, int]]:
    """(key, cell) of every entry between two offsets."""
    position = start
    while position < used:
        length = int(_INT.unpack_from(memory, position)[0])
        value = position + 4 + _padded(length)
        yield memory[position + 4 : position + 4 + length].decode(), value // 8
        position = value + 16


def used_bytes(memory: mmap.mmap) -> int:
    """How far a file is filled."""
    return int(_INT.unpack_from(memory, 0)[0])
