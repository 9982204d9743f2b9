"""The doctor on disks that are really small and really full: a tmpfs under a local stack, and under a Prometheus alone."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.command import stackctl
from tests.integration.doctor.test_live import await_text, served
from tests.ports import free_port
from tests.real_parts import RealParts, absent, newer_parts, stable_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MIB = 1 << 20
ID = "doctor/disk-space"


@contextlib.contextmanager
def disk(directory: Path, mib: int) -> Iterator[Path]:
    """A file system of this size at `directory`, as long as the block lasts."""
    directory.mkdir(parents=True)
    options = ["-t", "tmpfs", "-o", f"size={mib}m"]
    if subprocess.run(["mount", *options, "tmpfs", directory], check=False, capture_output=True).returncode:
        absent("this user may not mount a tmpfs")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def fill(file: Path, mib: int) -> None:
    with file.open("ab") as output:
        for _ in range(mib):
            output.write(bytes(MIB))


def asked(*arguments: object) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The findings about disks, and the verdict on each disk that was looked at."""
    envelope = stackctl("doctor", *arguments, "--json").envelope
    rows = {row["what"]: row["verdict"] for row in envelope["data"]["checked"] if row["what"].startswith("disk space")}
    return [problem for problem in envelope["problems"] if problem["id"] == ID], rows


def test_a_local_stack_is_measured_while_it_is_down(tmp_path: Path) -> None:
    root = tmp_path / "stack"
    assert stackctl("init", root, "--demo", "--defaults").code == 0
    findings, rows = asked("-C", root)
    assert findings == [], "a normal disk is none"
    assert [*rows.values()] == ["ok"]
    with disk(root / ".stackctl", 400) as state:
        (finding,), _ = asked("-C", root)
        assert finding["severity"] == "warning"
        assert finding["file"] == str(state / "prometheus")
        assert finding["message"].endswith(
            "has 400.0 MiB left, and is smaller than the 2.0 GiB that Prometheus may fill"
        )
        assert finding["evidence"] == "400.0 MiB free, 0 B used; Prometheus may hold at most 2.0 GiB"
        spec = root / "stack.yaml"
        spec.write_text(spec.read_text().replace("retention_size: 2GB", "retention_size: 100MB"))
        assert asked("-C", root)[0] == []
        fill(state / "filler", 150)
        (finding,), _ = asked("-C", root)
        assert finding["severity"] == "error"
        assert "has 250.0 MiB left: it is as good as full" in finding["message"]
        (state / "filler").unlink()
        assert asked("-C", root)[0] == []


def test_a_running_local_stack_with_room_is_told_to_have_it(tmp_path: Path) -> None:
    parts, root = stable_parts().environment(), tmp_path / "stack"
    assert stackctl("init", root, "--demo", "--defaults").code == 0
    with disk(root / ".stackctl", 400) as state:
        spec = root / "stack.yaml"
        spec.write_text(spec.read_text().replace("retention_size: 2GB", "retention_size: 300MB"))
        started = stackctl("up", "-C", root, "--timeout", 180, timeout=300, **parts)
        assert started.code == 0, started.err
        try:
            findings, rows = asked("-C", root)
            assert findings == []
            assert [*rows.values()] == ["ok"]
            assert next(iter(rows)).startswith("disk space of prometheus, gateway, logs: ")
            fill(state / "filler", 110)
            (finding,), _ = asked("-C", root)
            assert finding["severity"] == "warning"
            assert "and Prometheus may still write" in finding["message"]
            assert "; Prometheus holds " in finding["evidence"]
            assert finding["evidence"].endswith(", at most 300.0 MiB")
        finally:
            assert stackctl("down", "-C", root, timeout=180, **parts).code == 0


@pytest.mark.parametrize(("line", "cap"), [(stable_parts, "380MB"), (newer_parts, "380MB"), (stable_parts, "")])
def test_somebody_s_prometheus_of_this_machine_is_measured(
    tmp_path: Path, line: Callable[[], RealParts], cap: str
) -> None:
    parts, port = line(), free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text("scrape_configs: []\n")
    url = f"http://127.0.0.1:{port}"
    with disk(tmp_path / "disk", 400) as small:
        options = [f"--config.file={config}", f"--storage.tsdb.path={small / 'data'}"]
        options += [
            f"--web.listen-address=127.0.0.1:{port}",
            *([f"--storage.tsdb.retention.size={cap}"] if cap else []),
        ]
        with served([str(parts.prometheus), *options], f"{url}/-/ready", dict(os.environ), tmp_path / "prometheus.log"):
            await_text(f"{url}/metrics", r"^prometheus_tsdb_storage_blocks_bytes ")
            findings, rows = asked("--prometheus-url", url)
            assert (findings, [*rows.values()]) == ([], ["ok"])
            fill(small / "filler", 100)
            findings, _ = asked("--prometheus-url", url)
            assert [each["severity"] for each in findings] == (["warning"] if cap else [])
            fill(small / "filler", 60)
            (finding,), _ = asked("--prometheus-url", url)
            assert (finding["severity"], finding["file"]) == ("error", str(small / "data"))
            assert "; Prometheus holds " in finding["evidence"]
            assert finding["evidence"].endswith("at most 380.0 MiB" if cap else "without a size cap")


def test_a_directory_that_is_not_the_prometheus_s_own_is_not_measured(tmp_path: Path) -> None:
    """As seen from a container: the path it tells is another directory here, or none."""
    parts, port = stable_parts(), free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text("scrape_configs: []\n")
    url = f"http://127.0.0.1:{port}"
    data = tmp_path / "data"
    options = [f"--config.file={config}", f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{port}"]
    with served([str(parts.prometheus), *options], f"{url}/-/ready", dict(os.environ), tmp_path / "prometheus.log"):
        data.rename(tmp_path / "elsewhere")
        data.mkdir()
        findings, rows = asked("--prometheus-url", url)
        assert findings == []
        assert rows == {
            f"disk space of Prometheus at {url}": f"not checked: {data} is not on this machine, or in a container; "
            f"`df -Pk {data}` there tells"
        }


def test_a_prometheus_that_does_not_answer_is_not_taken_to_have_room() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    findings, rows = asked("--prometheus-url", url)
    assert findings == []
    assert rows == {f"disk space of Prometheus at {url}": "not checked: it does not say where it keeps its samples"}
