"""The advice for invented names is itself checked: against every LiteLLM catalogue."""

from __future__ import annotations

import pytest

from stackctl.catalogue.load import catalogue_lines
from stackctl.checks.engine import examine
from stackctl.checks.replacements import inventions, rewrites
from stackctl.problem import Severity
from tests.unit.checks.subjects import alert, subject

LINES = [line for line in catalogue_lines() if line.startswith("litellm")]


@pytest.mark.parametrize("line", LINES)
def test_every_invented_name_has_a_real_replacement_in_this_version(line: str) -> None:
    series = subject(catalogues=(line,)).series
    for invention in inventions().values():
        assert invention.name not in series
        assert any(name in series for name in invention.instead), invention.name


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("rewrite", rewrites(), ids=lambda item: "+".join(sorted(item.names)))
def test_every_rewritten_expression_is_without_fault(line: str, rewrite) -> None:  # type: ignore[no-untyped-def]
    expr = rewrite.expr if ">" in rewrite.expr[-8:] or "<" in rewrite.expr[-8:] else f"({rewrite.expr}) < 0.3"
    problems = examine(subject(alert(expr), catalogues=(line,)))
    assert [
        problem for problem in problems if problem.severity > Severity.INFO and problem.id != "alert/absent-blindness"
    ] == []
