"""The mutation report: counts per kind and engine, every survivor with the reason why it survived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tests.mutation.mutants import Mutant

_IMPLIED = (
    "A day at three times the pace is what three days at the pace are: whenever the first pair of windows holds, the "
    "second one does."
)
REASONS = {
    ("comparison dropped", "LitellmProviderCredentialFailure"): (
        "It differs only where a scrape failed ten minutes ago and a series is born since; no test has that past."
    ),
    ("comparison dropped", "LitellmRunawayLoop"): (
        "It differs only where a scrape failed ten minutes ago and a series is born since; no test has that past."
    ),
    ("guard against zero", "stackctl-cost/Budgets"): (
        "It hides the pace of a budget that has just started anew; that is a filter, and no ratio lacks a guard without it."
    ),
    ("comparison dropped", "LitellmSpendBurnSlow"): _IMPLIED,
    ("comparison turned round", "LitellmSpendBurnSlow"): _IMPLIED,
}
"""Kind and target → why nobody notices, looked into one by one."""
UNEXPLAINED = "Not looked into."


@dataclass(frozen=True)
class Outcome:
    """One mutant of one bundle and who noticed it ("" for nobody)."""

    bundle: str
    mutant: Mutant
    caught_by: str


def markdown(outcomes: Iterable[Outcome], total: int, tools: str) -> str:
    """The report as a page; `total` is how many mutants there are, of which the outcomes may be a sample."""
    outcomes = list(outcomes)
    caught = sum(bool(outcome.caught_by) for outcome in outcomes)
    share = caught / len(outcomes)
    lines = [
        "# Mutation report",
        "",
        (
            "Every mutant is one rendered bundle with one token changed: a metric's or label's name misspelt, a label value "
            "misspelt, a guard or a volume floor removed, a comparison turned round or dropped, a threshold put beyond the "
            "buckets, a window made too short or longer than the retention. It is caught when `stackctl check --fail-on "
            "warning` finds something that it does not find in the bundle itself, or when one of the bundle's promtool tests "
            "fails. `make mutation-report` writes this page; `tests/unit/checks/test_mutation.py` judges a sample of it."
        ),
        "",
        *_sampled(len(outcomes), total),
        f"**{caught} of {len(outcomes)} mutants caught ({share:.1%})**, judged by `stackctl check` and {tools}.",
        "",
        "| kind | mutants | caught by check | caught by promtool | survived | caught |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    lines += [_row(kind, [o for o in outcomes if o.mutant.kind == kind]) for kind in sorted(_kinds(outcomes))]
    lines += ["", "| bundle | mutants | caught |", "|---|--:|--:|"]
    for bundle in sorted({outcome.bundle for outcome in outcomes}):
        mine = [outcome for outcome in outcomes if outcome.bundle == bundle]
        hits = sum(bool(outcome.caught_by) for outcome in mine)
        lines.append(f"| {bundle} | {len(mine)} | {hits / len(mine):.1%} |")
    checks = Counter(outcome.caught_by for outcome in outcomes if outcome.caught_by)
    lines += ["", "| first noticed by | mutants |", "|---|--:|"]
    lines += [f"| {name} | {count} |" for name, count in checks.most_common()]
    lines += ["", "## Survivors", ""]
    lines += _survivors([outcome for outcome in outcomes if not outcome.caught_by])
    return "\n".join(lines) + "\n"


def _sampled(judged: int, total: int) -> list[str]:
    if judged == total:
        return []
    return [f"This run judged a random sample: {judged} of {total} mutants, the same share of every kind.", ""]


def _kinds(outcomes: list[Outcome]) -> set[str]:
    return {outcome.mutant.kind for outcome in outcomes}


def _row(kind: str, outcomes: list[Outcome]) -> str:
    tests = sum(outcome.caught_by == "promtool" for outcome in outcomes)
    caught = sum(bool(outcome.caught_by) for outcome in outcomes)
    survived = len(outcomes) - caught
    return f"| {kind} | {len(outcomes)} | {caught - tests} | {tests} | {survived} | {caught / len(outcomes):.1%} |"


def _survivors(outcomes: list[Outcome]) -> list[str]:
    if not outcomes:
        return ["None."]
    lines: list[str] = []
    for kind in sorted(_kinds(outcomes)):
        lines += [f"### {kind}", ""]
        grouped: dict[str, list[str]] = {}
        for outcome in outcomes:
            if outcome.mutant.kind == kind:
                mutant = outcome.mutant
                before, after = " ".join(mutant.before.split()), " ".join(mutant.after.split()) or "nothing"
                why = REASONS.get((kind, mutant.target), UNEXPLAINED)
                what = f"{mutant.target}: `{before}` → `{after}`. {why}"
                grouped.setdefault(what, []).append(outcome.bundle)
        lines += [f"* {what} ({', '.join(sorted(bundles))})" for what, bundles in sorted(grouped.items())]
        lines.append("")
    return lines[:-1]
