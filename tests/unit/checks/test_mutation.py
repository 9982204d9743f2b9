"""A sample of the mutation test; `make mutation-report` judges every mutant."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutation.judge import Judge
from tests.real_parts import stable_parts

GOLDEN = Path(__file__).parents[2] / "golden"
BUNDLES = ["minimal", "full"]
BY_CHECKS_ALONE = {
    "metric name",
    "label in a list",
    "label in a matcher",
    "label in a text",
    "label value",
    "guard against zero",
    "threshold beyond the buckets",
    "window too short",
    "window too long",
}
"""What promtool's tests need not be asked about."""
SAMPLE = 3


@pytest.mark.parametrize("bundle", BUNDLES)
def test_check_notices_almost_every_slip_in_names_labels_guards_and_windows(bundle: str) -> None:
    judge = Judge(GOLDEN / bundle / "stack.yaml")
    dice = random.Random(7)
    sample = []
    for kind in sorted(BY_CHECKS_ALONE):
        mutants = [mutant for mutant in judge.mutants if mutant.kind == kind]
        sample += dice.sample(mutants, min(SAMPLE, len(mutants)))
    survivors = [str(mutant) for mutant in sample if not judge.caught_by(mutant)]
    assert len(sample) > 2 * len(BY_CHECKS_ALONE)
    assert len(survivors) <= len(sample) * 0.05, survivors


def test_a_mutant_differs_from_its_bundle_in_the_one_place_it_names() -> None:
    judge = Judge(GOLDEN / "minimal" / "stack.yaml")
    for mutant in random.Random(3).sample(judge.mutants, 40):
        original = judge.contents[str(Path(mutant.file).relative_to("bundle"))].decode()
        assert mutant.text != original
        assert len(mutant.text) - len(original) == len(mutant.after) - len(mutant.before)


def test_the_alerts_own_promtool_tests_notice_what_no_check_can_and_nothing_else() -> None:
    judge = Judge(GOLDEN / "full" / "stack.yaml", stable_parts().promtool)
    turned = [item for item in judge.mutants if item.kind == "comparison turned round"]
    mutant = next(item for item in turned if item.target == "LitellmKeyBudget80")
    assert judge.caught_by(mutant) == "promtool"
    harmless = replace(mutant, text=judge.contents[str(Path(mutant.file).relative_to("bundle"))].decode())
    assert judge.caught_by(harmless) == ""


def test_the_committed_report_shows_at_least_95_percent_caught() -> None:
    text = (GOLDEN.parents[1] / "docs" / "mutation-report.md").read_text()
    share = float(text.split("mutants caught (")[1].split("%")[0])
    assert share >= 95
