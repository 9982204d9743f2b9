"""Docker Compose itself accepts every rendered file, and dclint has nothing to say; no engine is needed for that."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from stackctl.runtime.tools import parts_dir
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


def dclint(*files: Path) -> subprocess.CompletedProcess[str]:
    executables = sorted((parts_dir() / "dclint").glob("*/node_modules/.bin/dclint"))
    if not executables:
        absent("dclint is not installed: run scripts/dclint")
    config = Path(__file__).parents[2] / "docker" / "dclint.yaml"
    command = [str(executables[-1]), "-c", str(config), "--max-warnings", "0", *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_linter_of_compose_files_has_nothing_to_say() -> None:
    assert RENDERED
    clean = dclint(*RENDERED)
    assert clean.returncode == 0, clean.stdout + clean.stderr


@pytest.mark.slow
def test_that_linter_does_look() -> None:
    careless = Path(__file__).parents[2] / "golden" / "doctor" / "01-the-quick-start" / "docker-compose.yml"
    assert "no-unbound-port-interfaces" in dclint(careless).stdout
