"""Spec in, bundle out, through the installed command line, compared byte by byte."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.command import stackctl

CASES = sorted(path.parent.name for path in Path(__file__).parent.glob("*/stack.yaml"))


def rendered(case: Path, directory: Path) -> dict[str, str]:
    shutil.copy(case / "stack.yaml", directory / "stack.yaml")
    assert stackctl("render", "-C", directory).code == 0
    bundle = directory / "bundle"
    return {str(path.relative_to(bundle)): path.read_text() for path in sorted(bundle.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", CASES)
def test_a_spec_renders_to_its_golden_bundle(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    case = Path(__file__).parent / name
    actual = rendered(case, tmp_path)
    expected_dir = case / "out"
    if request.config.getoption("--update-golden"):
        shutil.rmtree(expected_dir, ignore_errors=True)
        shutil.copytree(tmp_path / "bundle", expected_dir)
    expected = {str(p.relative_to(expected_dir)): p.read_text() for p in sorted(expected_dir.rglob("*")) if p.is_file()}
    assert actual == expected


@pytest.mark.parametrize("name", CASES)
def test_rendering_twice_writes_the_same_bytes(name: str, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    case = Path(__file__).parent / name
    assert rendered(case, tmp_path / "a") == rendered(case, tmp_path / "b")
