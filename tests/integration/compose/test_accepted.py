"""Docker Compose itself accepts every rendered file; no engine is needed for that."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.docker.engine import plugin
from tests.real_parts import absent

RENDERED = sorted((Path(__file__).parents[2] / "golden").glob("*/out/compose/compose.yaml"))


@pytest.mark.parametrize("file", RENDERED, ids=lambda path: path.parents[2].name)
def test_compose_accepts_the_rendered_file(file: Path) -> None:
    if not plugin().exists():
        absent(f"{plugin()} is missing: run scripts/parts compose")
    command = [str(plugin()), "-f", str(file), "config"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr.lower(), done.stderr
    accepted = yaml.safe_load(done.stdout)
    assert accepted["services"].keys() == yaml.safe_load(file.read_text())["services"].keys()
