"""Whether the disks of a stack have room for what may still be written to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import found
from stackctl.checks.doctor.stored import directory_of, stored_by
from stackctl.problem import Position, Severity
from stackctl.spec.quantity import size_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stackctl.checks.doctor.finding import Finding
    from stackctl.checks.doctor.stored import Stored
    from stackctl.checks.report import Report
    from stackctl.runtime.disk import DataDirectory, Disk

DISK_SPACE = Check(
    "doctor/disk-space",
    Severity.WARNING,
    "On a full disk Prometheus stores no samples, so that alerts see nothing, and the gateway's ledger rows wait in "
    "memory, where a crash loses them.",
    "make room, or lower the size cap of Prometheus: prometheus.retention_size in stack.yaml, "
    "--storage.tsdb.retention.size elsewhere",
)
FULL = 256 << 20
"""Bytes. Prometheus writes its log in segments of 128 MiB, and a new block beside those it replaces (its manual, "Storage")."""
_NEARLY_FULL = 0.05


def examine_disks(
    directories: Iterable[DataDirectory], stored: Stored, report: Report, samples: str = "prometheus"
) -> list[Finding]:
    """One finding at most per disk; `samples` is the part whose data `stored` speaks of.

    What nobody could measure is told with the reason: a silent report would look like a good one.
    """
    on_disks: dict[str, tuple[Disk, list[DataDirectory]]] = {}
    unknown: dict[str, list[str]] = {}
    for each in directories:
        if each.disk is None:
            unknown.setdefault(each.reason, []).append(each.part)
        else:
            on_disks.setdefault(each.disk.id, (each.disk, []))[1].append(each)
    for reason, parts in unknown.items():
        report.skip(f"disk space of {', '.join(parts)}", reason)
    findings: list[Finding] = []
    for disk, sharing in on_disks.values():
        parts = [each.part for each in sharing]
        mine = list(_examine(disk, [each.path for each in sharing], stored if samples in parts else None))
        report.add(f"disk space of {', '.join(parts)}: {disk}", "stackctl", [finding.problem for finding in mine])
        findings += mine
    return findings


def examine_foreign_disk(prometheus: str, report: Report) -> list[Finding]:
    """The disk under the samples of somebody's Prometheus, where its directory is this machine's."""
    directory = directory_of(prometheus)
    return examine_disks([directory], stored_by(prometheus), report, directory.part)


def _examine(disk: Disk, paths: list[str], stored: Stored | None) -> Iterator[Finding]:
    growth = stored.growth(disk) if stored else 0
    if disk.free >= max(FULL, growth):
        return
    left = f"the disk under {', '.join(paths)} has {size_text(disk.free)} left"
    if disk.free < FULL:
        message = f"{left}: it is as good as full"
    elif stored and stored.cap > disk.size:
        message = f"{left}, and is smaller than the {size_text(stored.cap)} that Prometheus may fill"
    else:
        message = f"{left}, and Prometheus may still write {size_text(growth)}"
    full = disk.free < max(FULL, _NEARLY_FULL * disk.size)
    evidence = f"{disk}; {stored}" if stored else str(disk)
    severity = Severity.ERROR if full else Severity.WARNING
    yield found(DISK_SPACE, message, Position(paths[0]), evidence=evidence, severity=severity)
