"""Foreign stacks on disk: every planted fault is found where it stands, and nothing else is."""

from __future__ import annotations

import contextlib
import copy
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from stackctl.checks.doctor.deployment import read_deployment
from stackctl.checks.doctor.patch import patch_of
from stackctl.checks.doctor.registry import FILES, examine_deployment
from stackctl.errors import UsageError
from tests.command import stackctl
from tests.real_parts import tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.finding import Finding

CASES = sorted(path.parent for path in (Path(__file__).parent / "doctor").glob("*/docker-compose.yml"))
FILES_OF = {"compose": "docker-compose.yml", "config": "config.yaml", "prometheus": "prometheus.yml"}
FILES_OF |= {"alertmanager": "alertmanager.yml"}


def given(directory: Path) -> dict[str, Path]:
    return {option: directory / name for option, name in FILES_OF.items() if (directory / name).exists()}


def examined(directory: Path) -> list[Finding]:
    return examine_deployment(read_deployment(**given(directory)))


def places(problems: list[tuple[str, str, int]]) -> list[str]:
    return sorted(f"{id_} {Path(file).name}:{line}" for id_, file, line in problems)


def expected(case: Path) -> list[str]:
    return (case / "expected.txt").read_text().splitlines()


def test_there_are_at_least_twelve_broken_stacks_and_three_healthy_ones() -> None:
    healthy = [case for case in CASES if not expected(case)]
    assert len(healthy) >= 3
    assert len(CASES) - len(healthy) >= 12


def test_every_check_of_files_is_provoked_by_some_stack() -> None:
    provoked = {line.split()[0] for case in CASES for line in expected(case)}
    assert {f"doctor/{name}" for name in FILES} - provoked == {
        "doctor/dead-alerts"
    }  # reports under the checks' own ids
    assert "alert/never-fires" in provoked


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_planted_fault_is_found_and_nothing_else(case: Path) -> None:
    found = [finding.problem for finding in examined(case)]
    assert places([(each.id, each.position.file, each.position.line) for each in found]) == expected(case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_finding_says_what_was_seen_what_it_means_and_what_to_do(case: Path) -> None:
    for problem in (finding.problem for finding in examined(case)):
        assert all((problem.message, problem.evidence, problem.consequence, problem.remedy)), problem


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_patch_applies_and_mends_what_it_touches(case: Path, tmp_path: Path) -> None:
    copy = tmp_path / "stack"
    shutil.copytree(case, copy)
    before = examined(copy)
    mendable = [finding for finding in before if finding.edits]
    patch = patch_of(edit for finding in mendable for edit in finding.edits)
    assert bool(patch) == bool(mendable)
    if patch:
        command = [tool("git"), "apply", "--unsafe-paths", "--directory=/", "-p1"]
        subprocess.run(command, input=patch, text=True, check=True, cwd=tmp_path)
    after = examined(copy)
    assert len(after) == len(before) - len(mendable)


ODD = (None, [], {}, 5, "x", ["x"], [None], {"a": None}, [[1]], True, 1.5, "::", "a:b:c:d")


def places_in(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from places_in(value, (*path, key))


def replaced(data: Any, path: tuple[Any, ...], value: object) -> Any:
    if not path:
        return value
    made = copy.copy(data)
    made[path[0]] = replaced(data[path[0]], path[1:], value)
    return made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_odd_value_anywhere_is_no_traceback(case: Path, tmp_path: Path) -> None:
    """Whatever stands where something else was expected: it is examined, or refused in one line."""
    for option, file in given(case).items():
        data = yaml.safe_load(file.read_text())
        for number, path in enumerate(places_in(data)):
            odd = tmp_path / file.name
            odd.write_text(yaml.safe_dump(replaced(data, path, ODD[number % len(ODD)])))
            with contextlib.suppress(UsageError):
                patch_of(
                    each
                    for found in examine_deployment(read_deployment(**given(case) | {option: odd}))
                    for each in found.edits
                )


def test_a_file_without_services_is_no_compose_file(tmp_path: Path) -> None:
    for text in ("", "scrape_configs: []", "services: [a]"):
        file = tmp_path / "docker-compose.yml"
        file.write_text(text)
        with pytest.raises(UsageError, match="has no services"):
            read_deployment(compose=file)


def test_the_command_line_tells_the_same_and_exits_1_only_for_errors() -> None:
    broken, healthy = (
        next(case for case in CASES if case.name == name) for name in ("01-the-quick-start", "healthy-compose")
    )
    for case, code in ((broken, 1), (healthy, 0)):
        options = [word for option, path in given(case).items() for word in (f"--{option}", path)]
        done = stackctl("doctor", *options, "--json")
        told = [(each["id"], each["file"], each["line"]) for each in done.envelope["problems"]]
        assert (done.code, places(told)) == (code, expected(case))
    assert "+++ b/" in stackctl("doctor", "--compose", broken / "docker-compose.yml", "--fix").out
