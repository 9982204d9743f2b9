"""Tools are found where the documentation says, and say their version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackctl.errors import ToolMissingError
from stackctl.runtime import find_tool, locate_tool

if TYPE_CHECKING:
    from pathlib import Path


def executable(path: Path, says: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROMETHEUS", "ALERTMANAGER", "PROMTOOL", "AMTOOL"):
        monkeypatch.delenv(f"STACKCTL_{name}", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("STACKCTL_PARTS", str(tmp_path / "parts"))


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ("prometheus, version 2.42.0+ds (branch: debian/sid, revision: 2.42.0+ds-5+deb12u1)", "2.42.0+ds"),
        ("prometheus, version 3.5.3+ds1 (branch: debian/sid, revision: 3.5.3+ds1-6)", "3.5.3+ds1"),
        ("prometheus, version 3.0.0 (branch: HEAD, revision: abc)", "3.0.0"),
    ],
)
def test_the_version_is_read_from_both_lines_of_releases(tmp_path: Path, says: str, version: str) -> None:
    executable(tmp_path / "path" / "prometheus", says)
    assert find_tool("prometheus").version == version


def test_the_environment_comes_before_path_and_path_before_the_parts_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = executable(tmp_path / "parts/prometheus-alertmanager/usr/bin/prometheus-alertmanager")
    assert locate_tool("alertmanager") == unpacked
    on_path = executable(tmp_path / "path" / "prometheus-alertmanager")
    assert locate_tool("alertmanager") == on_path
    chosen = executable(tmp_path / "mine")
    monkeypatch.setenv("STACKCTL_ALERTMANAGER", str(chosen))
    assert locate_tool("alertmanager") == chosen


def test_the_upstream_name_of_alertmanager_is_known_too(tmp_path: Path) -> None:
    on_path = executable(tmp_path / "path" / "alertmanager")
    assert locate_tool("alertmanager") == on_path


def test_a_wrong_override_is_not_silently_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(tmp_path / "path" / "prometheus", "version 2.42.0")
    monkeypatch.setenv("STACKCTL_PROMETHEUS", "/nowhere/prometheus")
    with pytest.raises(ToolMissingError, match="STACKCTL_PROMETHEUS is /nowhere/prometheus"):
        find_tool("prometheus")


def test_something_else_of_the_same_name_is_refused(tmp_path: Path) -> None:
    executable(tmp_path / "path" / "prometheus", "hello")
    with pytest.raises(ToolMissingError, match="names no version"):
        find_tool("prometheus")
