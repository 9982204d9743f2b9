"""What a running Prometheus says of its storage: how much it holds, how much it may hold, and where."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from prometheus_client.parser import text_string_to_metric_families

from stackctl.checks.doctor.asking import fresh, shown
from stackctl.runtime.disk import DataDirectory, data_directory
from stackctl.spec.quantity import size_text

if TYPE_CHECKING:
    from stackctl.runtime.disk import Disk

_BLOCKS = "prometheus_tsdb_storage_blocks_bytes"
_HEAD = ("prometheus_tsdb_wal_storage_size_bytes", "prometheus_tsdb_head_chunks_storage_size_bytes")
_CAP = "prometheus_tsdb_retention_limit_bytes"
_SEGMENT = "prometheus_tsdb_wal_segment_current"
"""The number, and so the name, of the file that is written now."""


@dataclass(frozen=True)
class Stored:
    """Bytes: `held` is None where Prometheus does not say, `cap` is 0 where it has none."""

    held: int | None = None
    cap: int = 0

    def growth(self, disk: Disk) -> int:
        """What it may still write, at least: what it holds is not more than what its disk holds."""
        return max(0, self.cap - (disk.used if self.held is None else self.held))

    def __str__(self) -> str:
        cap = f"at most {size_text(self.cap)}" if self.cap else "without a size cap"
        if self.held is None:
            return f"Prometheus may hold {cap}" if self.cap else "Prometheus has no size cap"
        return f"Prometheus holds {size_text(self.held)}, {cap}"


def stored_by(url: str, cap: int = 0) -> Stored:
    """What the Prometheus at `url` says; `cap` is what it was started with, as far as it does not tell itself."""
    try:
        values = _gauges(url)
    except (httpx.HTTPError, ValueError):
        # That it does not answer is another check's finding.
        return Stored(None, cap)
    if _BLOCKS not in values:
        return Stored(None, cap)
    return Stored(int(values[_BLOCKS] + sum(values.get(name, 0) for name in _HEAD)), int(values.get(_CAP, cap)))


def directory_of(url: str) -> DataDirectory:
    """Where the Prometheus at `url` keeps its samples, measured if that is a directory of this machine for certain."""
    part = f"Prometheus at {shown(url)}"
    try:
        path = str(fresh(f"{url}/api/v1/status/flags").raise_for_status().json()["data"]["storage.tsdb.path"])
        segment = _gauges(url).get(_SEGMENT)
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return DataDirectory(part, "", None, "it does not say where it keeps its samples")
    if segment is None or not _is_here(url) or not _writes_in(Path(path), int(segment)):
        reason = f"{path} is not on this machine, or in a container; `df -Pk {path}` there tells"
        return DataDirectory(part, path, None, reason)
    return data_directory(part, Path(path))


def _writes_in(directory: Path, segment: int) -> bool:
    """Whether it is that Prometheus' directory: the same path may be another one's here, as a container has its own."""
    try:
        return directory.is_absolute() and (directory / "wal" / f"{segment:08d}").exists()
    except OSError:
        return False


def _gauges(url: str) -> dict[str, float]:
    """Every series without labels on its own metrics page."""
    families = text_string_to_metric_families(fresh(f"{url}/metrics").raise_for_status().text)
    samples = (sample for each in families for sample in each.samples if not sample.labels)
    return {sample.name: float(sample.value) for sample in samples if isfinite(sample.value)}


def _is_here(url: str) -> bool:
    host = httpx.URL(url).host
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
