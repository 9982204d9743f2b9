"""Files of a bundle that somebody edited, and broke: where, by Prometheus' and Alertmanager's own word."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.command import stackctl
from tests.real_parts import newer_parts, stable_parts

RULES = "bundle/prometheus/rules/budget.yml"
GENERATIONS = {"stable": stable_parts, "newer": newer_parts}
BROKEN: dict[str, tuple[str, Callable[[str], str], str]] = {
    "yaml": (RULES, lambda text: text + "  - garbage: [\n", "did not find expected node content"),
    "expression": (RULES, lambda text: text.replace("sum by", "sum by by", 1), "unexpected <by>"),
    "field": (RULES, lambda text: text.replace("alert:", "alrt:", 1), "field alrt not found"),
    "alertmanager": ("bundle/alertmanager/alertmanager.yml", lambda text: text + "x: 1\n", "field x not found"),
}


def changed_line(before: str, after: str) -> int:
    """The first line, counted from 1, that differs."""
    pairs = zip_longest(before.splitlines(), after.splitlines())
    return next(number for number, (old, new) in enumerate(pairs, 1) if old != new)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("stack")
    assert stackctl("init", "--defaults", directory).code == 0
    return directory


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("how", BROKEN)
def test_check_says_where_a_file_was_broken(how: str, generation: str, stack: Path) -> None:
    parts = GENERATIONS[generation]()
    file, break_it, complaint = BROKEN[how]
    assert stackctl("render", "--force", "-C", stack).code == 0
    path = stack / file
    sound = path.read_text(encoding="utf-8")
    broken = break_it(sound)
    path.write_text(broken, encoding="utf-8")
    done = stackctl("check", "-C", stack, "--json", **parts.environment())
    assert done.code == 1
    found = [problem for problem in done.envelope["problems"] if problem["id"] == "native/rejected"]
    assert len(found) == 1
    assert complaint in found[0]["message"]
    assert found[0]["file"] == str(path)
    # An expression is placed where it begins, and an unfinished document where it ends.
    assert abs(found[0]["line"] - changed_line(sound, broken)) <= 2
