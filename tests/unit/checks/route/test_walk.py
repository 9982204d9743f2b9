"""Our routing against amtool's, on trees and alerts made at random from a fixed seed."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackctl.artefacts import Artefacts, read_artefact
from stackctl.artefacts.matchers import LabelMatcher, parse_matchers
from stackctl.checks.route.walk import AlertLabels, reachable, receivers_of
from tests.real_parts import newer_parts, stable_parts

GENERATIONS = {"stable": stable_parts, "newer": newer_parts}
LABELS = {"team": ["a", "b", "c"], "severity": ["info", "warning", "critical"], "alertname": ["X", "Y"]}
MATCHERS = ['team="a"', 'team!="a"', 'team=~"a|b"', 'team!~"a.*"', 'severity="critical"', 'severity=~".+"', 'team=""']


def tree(dice: random.Random, depth: int = 0) -> dict[str, Any]:
    node: dict[str, Any] = {"receiver": f"r{dice.randrange(6)}"}
    if depth:
        node["matchers"] = dice.sample(MATCHERS, dice.randint(1, 2))
        node["continue"] = dice.random() < 0.4
    if depth < 3:
        node["routes"] = [tree(dice, depth + 1) for _ in range(dice.randint(0, 3))]
    return node


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_alert_goes_where_amtool_says(generation: str, tmp_path: Path) -> None:
    amtool = GENERATIONS[generation]().amtool
    dice = random.Random(5)
    for number in range(8):
        config = {"route": tree(dice), "receivers": [{"name": f"r{index}"} for index in range(6)]}
        file = tmp_path / f"{number}.yml"
        file.write_text(yaml.safe_dump(config))
        artefacts = Artefacts()
        read_artefact(file.read_text(), str(file), artefacts)
        assert artefacts.alertmanager is not None
        for _ in range(3):
            labels = {name: dice.choice(values) for name, values in LABELS.items() if dice.random() < 0.8}
            arguments = [f"{name}={value}" for name, value in labels.items()]
            command = [str(amtool), "config", "routes", "test", f"--config.file={file}", *arguments]
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
            assert ",".join(receivers_of(artefacts.alertmanager.root, labels)) == done.stdout.strip(), (config, labels)


def test_a_label_nobody_knows_yet_leaves_both_ways_open() -> None:
    text = """{route: {receiver: root, routes: [{receiver: a, matchers: ['team="a"']}]}, receivers: [{name: root}]}"""
    artefacts = Artefacts()
    read_artefact(yaml.safe_dump(yaml.safe_load(text)), "f", artefacts)
    assert artefacts.alertmanager is not None
    found = reachable(artefacts.alertmanager.root, AlertLabels({}, frozenset(), frozenset({"team"})))
    assert {(route.receiver, certain) for route, certain in found} == {("a", False), ("root", False)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a="b"', [LabelMatcher("a", "=", "b")]),
        ("a = b", [LabelMatcher("a", "=", "b")]),
        ('{a=~"x|y", b!="c,d"}', [LabelMatcher("a", "=~", "x|y"), LabelMatcher("b", "!=", "c,d")]),
        ('"a.b"!~"\\\\d+"', [LabelMatcher("a.b", "!~", "\\d+")]),
    ],
)
def test_matchers_are_read_in_every_spelling(text: str, expected: list[LabelMatcher]) -> None:
    assert parse_matchers(text) == expected


def test_a_text_that_is_no_matcher_is_refused() -> None:
    with pytest.raises(ValueError, match="no matcher"):
        parse_matchers("team")
