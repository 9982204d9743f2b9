"""What `doctor --fix` prints, taken by `patch` as a user pipes it: the findings are gone, and Compose takes the file."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.command import EXECUTABLE
from tests.docker.engine import plugin
from tests.golden.test_doctor import CASES, examined, given
from tests.real_parts import absent, tool

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = [case for case in CASES if (case / "expected.txt").read_text()]


def doctor(directory: Path, *options: str) -> str:
    """Its output, run in the directory of the files, which it is given by their bare names."""
    files = [word for option, path in given(directory).items() for word in (f"--{option}", path.name)]
    done = subprocess.run(
        [EXECUTABLE, "doctor", *files, *options], capture_output=True, text=True, cwd=directory, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def told(directory: Path) -> Counter[tuple[str, str]]:
    problems: list[dict[str, Any]] = json.loads(doctor(directory, "--json"))["problems"]
    return Counter((problem["id"], problem["message"]) for problem in problems)


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name)
def test_after_the_patch_the_doctor_is_silent_on_what_it_mended(case: Path, tmp_path: Path) -> None:
    stack = tmp_path / "stack"
    shutil.copytree(case, stack)
    mended = Counter((each.problem.id, each.problem.message) for each in examined(stack) if each.edits)
    before, patch = told(stack), doctor(stack, "--fix")
    if not mended:
        assert "nothing here is mended" in patch
        return
    command = [tool("patch"), "-p1", "--no-backup-if-mismatch"]
    applied = subprocess.run(command, input=patch, capture_output=True, text=True, cwd=stack, check=False)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert "fuzz" not in applied.stdout
    assert "offset" not in applied.stdout
    assert told(stack) == before - mended


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name)
def test_compose_takes_a_patched_file(case: Path, tmp_path: Path) -> None:
    if not plugin().exists():
        absent(f"{plugin()} is missing: run scripts/parts compose")
    stack = tmp_path / "stack"
    shutil.copytree(case, stack)
    patch = doctor(stack, "--fix")
    if patch.startswith("---"):
        subprocess.run([tool("patch"), "-p1"], input=patch, text=True, cwd=stack, check=True, capture_output=True)
    (stack / ".env").touch()  # the quick start names one
    command = [str(plugin()), "-f", "docker-compose.yml", "config", "--no-interpolate", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=stack, check=False)
    assert done.returncode == 0, done.stderr
