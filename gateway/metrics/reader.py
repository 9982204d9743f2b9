"""An incremental reader of multiprocess files.

Keys are append-only and values never move, so a file's values are fetched in one C call at known cells and
compared with the last ones; only what changed is rendered again.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator
from itertools import compress, count
from operator import itemgetter, ne
from pathlib import Path
from typing import Any

from gateway.metrics.cells import entries, used_bytes

Values = tuple[float, ...]


class FileReader:
    """One file. `poll` tells which of its entries are new and which changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kind = path.name.split("_", 1)[0]
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.identity = _identity(os.fstat(self._file))
        self._memory: mmap.mmap | None = None
        self._view: memoryview[Any] = memoryview(b"")
        self._used = 8
        self._cells: list[int] = []
        self._fetch: Callable[[memoryview[Any]], Values] = _nothing
        self.values: Values = ()

    def poll(self) -> tuple[list[str], Iterator[int]]:
        """(keys of new entries in order, indices of entries whose value changed)."""
        memory = self._map()
        fresh: list[str] = []
        if memory is not None and (used := used_bytes(memory)) > self._used:
            for key, cell in entries(memory, self._used, used):
                fresh.append(key)
                self._cells.append(cell)
            self._used = used
            self._fetch = _fetcher(self._cells)
        old, self.values = self.values, self._fetch(self._view)
        if old == self.values:
            return fresh, iter(())
        return fresh, compress(count(), map(ne, old, self.values))

    def close(self) -> None:
        """Unmap and close."""
        self._view.release()
        if self._memory is not None:
            self._memory.close()
        os.close(self._file)

    def _map(self) -> mmap.mmap | None:
        size = os.fstat(self._file).st_size
        if size and (self._memory is None or size != len(self._memory)):
            # The old map is dropped, not closed: nothing else holds it.
            self._memory = mmap.mmap(self._file, size, prot=mmap.PROT_READ)
            self._view = memoryview(self._memory).cast("d")
        return self._memory


class DirectoryReader:
    """All files of a directory, with what appeared, vanished or was replaced since the last look."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.files: dict[Path, FileReader] = {}

    def look(self) -> list[FileReader]:
        """Open new files; return the readers of files that are gone, closed."""
        found = {}
        for path in sorted(self._directory.glob("*.db")):
            try:
                found[path] = _identity(path.stat())
            except FileNotFoundError:
                continue
        gone = [f for p, f in self.files.items() if found.get(p) != f.identity]
        for file in gone:
            del self.files[file.path]
            file.close()
        for path in found:
            if path not in self.files:
                self._open(path)
        return gone

    def _open(self, path: Path) -> None:
        try:
            self.files[path] = FileReader(path)
        except FileNotFoundError:
            return


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _fetcher(cells: list[int]) -> Callable[[memoryview[Any]], Values]:
    if len(cells) == 1:
        only = cells[0]
        return lambda view: (view[only],)
    return itemgetter(*cells)


def _nothing(_: memoryview[Any]) -> Values:
    return ()
