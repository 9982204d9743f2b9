"""`make mutation-report`: judge every mutant of the golden bundles and write docs/mutation-report.md."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from stackctl.runtime.tools import find_tool
from tests.mutation.judge import Judge
from tests.mutation.report import Outcome, markdown

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
PAGE = ROOT / "docs" / "mutation-report.md"
SPECS = {"bundled": GOLDEN / "full" / "stack.yaml", "litellm": Path(__file__).with_name("litellm.yaml")}
"""One spec per engine."""
WORKERS = 2
_judges: dict[str, Judge] = {}


def judged(bundle: str, index: int) -> Outcome:
    """One mutant of one golden bundle."""
    if bundle not in _judges:
        _judges[bundle] = Judge(SPECS[bundle], find_tool("promtool").path)
    mutant = _judges[bundle].mutants[index]
    return Outcome(bundle, mutant, _judges[bundle].caught_by(mutant))


def main() -> int:
    tool = find_tool("promtool")
    work = [(name, index) for name, spec in SPECS.items() for index in range(len(Judge(spec).mutants))]
    with ProcessPoolExecutor(WORKERS) as pool:
        outcomes = []
        for number, outcome in enumerate(pool.map(judged, *zip(*work, strict=True), chunksize=20), 1):
            outcomes.append(outcome)
            if number % 100 == 0:
                pass
    PAGE.write_text(markdown(outcomes, f"promtool {tool.version}"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
