"""doctor/disk-space: when room is too little, how disks are told apart, and what is said where nobody could measure."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackctl.checks.doctor.disk_space import examine_disks
from stackctl.checks.doctor.stored import Stored
from stackctl.checks.report import Report
from stackctl.problem import Severity
from stackctl.runtime.compose.disk import read_df
from stackctl.runtime.disk import DataDirectory, Disk, data_directory, measured
from stackctl.spec.quantity import size_text

MIB, GIB = 1 << 20, 1 << 30
HEADER = "Filesystem     1024-blocks     Used Available Capacity Mounted on\n"
CAP = Stored(held=300 * MIB, cap=2 * GIB)


def told(disk: Disk, stored: Stored, part: str = "prometheus") -> tuple[Severity, str] | None:
    findings = examine_disks([DataDirectory(part, "/data", disk)], stored, Report())
    return (findings[0].problem.severity, findings[0].problem.message) if findings else None


@pytest.mark.parametrize(
    ("free", "used", "stored"),
    [
        (100 * GIB, 20 * GIB, CAP),
        (150 * GIB, 3900 * GIB, CAP),  # 4 %, and plenty
        (2 * GIB - 300 * MIB, 18 * GIB, CAP),
        (256 * MIB, 10 * GIB, Stored(held=2 * GIB, cap=2 * GIB)),
        (256 * MIB, 10 * GIB, Stored(held=3 * GIB, cap=2 * GIB)),
        (1 * GIB, 9 * GIB, Stored(None, 2 * GIB)),  # it may hold its fill already
        (1 * GIB, 9 * GIB, Stored(held=5 * GIB)),  # without a cap: doctor/retention says so
    ],
)
def test_enough_room_is_no_finding(free: int, used: int, stored: Stored) -> None:
    assert told(Disk("d", used, free), stored) is None


@pytest.mark.parametrize(
    ("free", "used", "stored", "severity", "says"),
    [
        (1 * GIB, 9 * GIB, CAP, Severity.WARNING, "has 1.0 GiB left, and Prometheus may still write 1.7 GiB"),
        (400 * MIB, 19 * GIB, CAP, Severity.ERROR, "has 400.0 MiB left, and Prometheus may still write 1.7 GiB"),
        (255 * MIB, 9 * GIB, CAP, Severity.ERROR, "has 255.0 MiB left: it is as good as full"),
        (255 * MIB, 9 * GIB, Stored(), Severity.ERROR, "as good as full"),
        (0, 9 * GIB, Stored(), Severity.ERROR, "has 0 B left"),
        (900 * MIB, 100 * MIB, Stored(None, 2 * GIB), Severity.WARNING, "smaller than the 2.0 GiB that Prometheus may"),
    ],
)
def test_too_little_room_is_told_with_what_is_left(
    free: int, used: int, stored: Stored, severity: Severity, says: str
) -> None:
    found = told(Disk("d", used, free), stored)
    assert found is not None
    assert found[0] is severity
    assert says in found[1]


def test_only_the_disk_of_the_samples_must_hold_the_cap() -> None:
    assert told(Disk("d", 9 * GIB, 1 * GIB), CAP, part="gateway") is None


def test_directories_on_one_disk_are_one_finding_that_names_them() -> None:
    full, roomy = Disk("a", 9 * GIB, 10 * MIB), Disk("b", 0, 9 * GIB)
    places = [DataDirectory("prometheus", "/p", roomy), DataDirectory("gateway", "/g", full)]
    places += [DataDirectory("logs", "/l", full)]
    report = Report()
    (finding,) = examine_disks(places, CAP, report)
    assert finding.problem.message == "the disk under /g, /l has 10.0 MiB left: it is as good as full"
    assert finding.problem.evidence == "10.0 MiB free, 9.0 GiB used"
    assert [(row.what, row.verdict) for row in report.checked] == [
        ("disk space of prometheus: 9.0 GiB free, 0 B used", "ok"),
        ("disk space of gateway, logs: 10.0 MiB free, 9.0 GiB used", "1 problem(s)"),
    ]


def test_what_nobody_measured_is_in_the_report() -> None:
    report = Report()
    places = [DataDirectory("prometheus", "/p", None, "no df"), DataDirectory("gateway", "/g", None, "no df")]
    assert examine_disks(places, CAP, report) == []
    assert [(row.what, row.verdict) for row in report.checked] == [
        ("disk space of prometheus, gateway", "not checked: no df")
    ]


def test_the_evidence_says_what_prometheus_holds() -> None:
    assert str(CAP) == "Prometheus holds 300.0 MiB, at most 2.0 GiB"
    assert str(Stored(None, 2 * GIB)) == "Prometheus may hold at most 2.0 GiB"
    assert str(Stored(GIB)) == "Prometheus holds 1.0 GiB, without a size cap"
    assert str(Stored()) == "Prometheus has no size cap"


@pytest.mark.parametrize(
    ("output", "disk"),
    [
        (
            f"{HEADER}/dev/vda         263950316 25165824  81788928      24% /prometheus\n",
            Disk("/dev/vda, 263950316 blocks", 25165824 * 1024, 81788928 * 1024),
        ),
        (
            f"{HEADER}/dev/disk/by-uuid/3f6c0a7e-9f0c-4b6e-8a83-0f4c9f4f9b6a\t100 40 60 40% /a b\n",
            Disk("/dev/disk/by-uuid/3f6c0a7e-9f0c-4b6e-8a83-0f4c9f4f9b6a, 100 blocks", 40 * 1024, 60 * 1024),
        ),
        (
            f"{HEADER}tmpfs 100 40 60 40% /prometheus\n",
            Disk("tmpfs of prometheus, 100 blocks", 40 * 1024, 60 * 1024),
        ),
        (
            f"{HEADER}//nas/a share 100 104 -4 104% /prometheus\n",
            Disk("//nas/a share, 100 blocks", 104 * 1024, 0),
        ),
        ("", None),
        ("df: /prometheus: No such file or directory\n", None),
        ('OCI runtime exec failed: exec: "df": executable file not found in $PATH\r\n', None),
    ],
)
def test_df_is_read_as_posix_writes_it(output: str, disk: Disk | None) -> None:
    assert read_df(output, "prometheus") == disk


def test_a_directory_that_is_not_there_yet_is_measured_where_it_would_be_made(tmp_path: Path) -> None:
    found = data_directory("prometheus", tmp_path / "not" / "yet")
    assert found.disk is not None
    assert found.disk.id == str(tmp_path.stat().st_dev)
    assert found.disk.free > 0


def test_a_file_system_without_a_size_is_not_full() -> None:
    assert measured("logs", "/odd", Disk("d", 0, 0)).disk is None


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536 * MIB, "1.5 GiB"), (3 << 50, "3072.0 TiB")],
)
def test_sizes_are_written_for_people(count: int, text: str) -> None:
    assert size_text(count) == text
