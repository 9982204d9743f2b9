"""The directory of the sockets is short, private and ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackctl.errors import StackctlError
from stackctl.runtime import rundir
from stackctl.stack import StackDir

UNIX_SOCKET_PATH_LIMIT = 107
SUPERVISORS_TEMPORARY_SUFFIX = ".4194304"


def test_a_socket_fits_however_deep_the_stack_is() -> None:
    deep = StackDir(Path("/" + "/".join(["directory"] * 40)))
    path = f"{rundir.run_dir(deep)}/supervisor.sock{SUPERVISORS_TEMPORARY_SUFFIX}"
    assert len(path) <= UNIX_SOCKET_PATH_LIMIT


def test_two_stacks_have_two_directories(tmp_path: Path) -> None:
    assert rundir.run_dir(StackDir(tmp_path / "a")) != rundir.run_dir(StackDir(tmp_path / "b"))


def test_the_directory_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rundir, "_BASE", tmp_path)
    made = rundir.make_run_dir(StackDir(tmp_path))
    assert made.stat().st_mode & 0o777 == 0o700
    assert rundir.make_run_dir(StackDir(tmp_path)) == made


def test_a_directory_others_can_enter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rundir, "_BASE", tmp_path)
    rundir.make_run_dir(StackDir(tmp_path)).parent.chmod(0o755)
    with pytest.raises(StackctlError, match="is not a private directory of yours"):
        rundir.make_run_dir(StackDir(tmp_path))


def test_a_symbolic_link_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rundir, "_BASE", tmp_path / "base")
    target = rundir.run_dir(StackDir(tmp_path)).parent
    (tmp_path / "base").mkdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    target.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StackctlError, match="is not a private directory of yours"):
        rundir.make_run_dir(StackDir(tmp_path))
