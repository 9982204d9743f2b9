"""`make mutation-report`: judge the mutants of one bundle per engine and write docs/mutation-report.md."""

from __future__ import annotations

import argparse
import math
import os
import random
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from stackctl.runtime.tools import find_tool
from tests.mutation.judge import Judge
from tests.mutation.report import Outcome, markdown

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "mutation-report.md"
SPECS = {
    "bundled": ROOT / "tests" / "golden" / "full" / "stack.yaml",
    "litellm": Path(__file__).with_name("litellm.yaml"),
}
"""One spec per engine."""
_judges: dict[str, Judge] = {}


def judged(bundle: str, index: int) -> Outcome:
    """One mutant of one bundle."""
    mutant = _judge(bundle).mutants[index]
    return Outcome(bundle, mutant, _judge(bundle).caught_by(mutant))


def _judge(bundle: str) -> Judge:
    if bundle not in _judges:
        _judges[bundle] = Judge(SPECS[bundle], find_tool("promtool").path)
    return _judges[bundle]


def sample(total: list[tuple[str, int]], share: float) -> list[tuple[str, int]]:
    """That share of every kind of mutant of every bundle, chosen by a fixed seed."""
    dice = random.Random(11)
    kinds: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for name, index in total:
        kinds.setdefault((name, _judge(name).mutants[index].kind), []).append((name, index))
    return [item for group in kinds.values() for item in dice.sample(group, math.ceil(len(group) * share))]


def main() -> int:
    """Judge, write the page, say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="judge this share of the mutants, between 0 and 1")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes, one by default per processor")
    chosen = parser.parse_args()
    share = chosen.share
    total = [(name, index) for name in SPECS for index in range(len(_judge(name).mutants))]
    work = total if share >= 1 else sample(total, share)
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(chosen.workers) as pool:
        for outcome in pool.map(judged, *zip(*work, strict=True), chunksize=8):
            outcomes.append(outcome)
            sys.stderr.write(f"\r{len(outcomes)} of {len(work)}")
    tool = find_tool("promtool")
    PAGE.write_text(markdown(outcomes, len(total), f"promtool {tool.version}"), encoding="utf-8")
    sys.stderr.write(f"\n{PAGE.relative_to(ROOT)}: {sum(bool(item.caught_by) for item in outcomes)} caught\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
