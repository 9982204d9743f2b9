"""The room that is left where the parts of a stack keep their data."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackctl.spec.quantity import size_text

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system; two directories whose disks have one `id` share it. In bytes, without what is kept for root."""

    id: str
    used: int
    free: int

    @property
    def size(self) -> int:
        return self.used + self.free

    def __str__(self) -> str:
        return f"{size_text(self.free)} free, {size_text(self.used)} used"


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """A directory in which a part keeps data, and the disk under it; without one, `reason` says why nobody measured."""

    part: str
    path: str
    disk: Disk | None
    reason: str = ""


def data_directory(part: str, path: Path) -> DataDirectory:
    """A directory of this machine. One that is not there yet is measured where it would be made."""
    try:
        there = next(each for each in (path, *path.parents) if each.exists())
        usage, device = shutil.disk_usage(there), there.stat().st_dev
    except OSError as error:
        return DataDirectory(part, str(path), None, f"{path} cannot be measured: {error.strerror}")
    return measured(part, str(path), Disk(str(device), usage.used, usage.free))


def measured(part: str, path: str, disk: Disk) -> DataDirectory:
    """A directory on `disk`, unless its file system tells nothing: some of FUSE are 0 bytes large."""
    if disk.size <= 0:
        return DataDirectory(part, path, None, f"the file system of {path} does not tell its size")
    return DataDirectory(part, path, disk)
