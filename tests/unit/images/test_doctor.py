"""What the doctor says of this machine's means to verify images."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import stackctl


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    assert stackctl("init", "--defaults", "--runtime", "compose", tmp_path / "s").code == 0
    return tmp_path / "s"


def test_without_cosign_it_tells_how_to_get_it(stack: Path) -> None:
    done = stackctl("doctor", "-C", stack, PATH="/nowhere", STACKCTL_PARTS=str(stack))
    (line,) = [line for line in done.out.splitlines() if line.rstrip().endswith("image signatures")]
    assert "cosign is not installed" in line
    assert "apt-get install cosign" in line
