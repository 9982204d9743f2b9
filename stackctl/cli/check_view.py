"""Findings as people, GitHub and JUnit readers want them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import RenderableType

    from stackctl.problem import Problem

    View = Callable[[dict[str, Any]], Iterable[RenderableType]]

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}
_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def view_of(name: str, problems: Sequence[Problem]) -> View:
    """The view for a format; `json` needs none, the envelope is printed instead."""
    if name == "github":
        return lambda _: _plain(_github_line(problem) for problem in problems)
    if name == "junit":
        return lambda data: _plain([junit(data, problems)])
    return lambda data: _human(data, problems)


def _plain(lines: Iterable[str]) -> Iterable[RenderableType]:
    from rich.text import Text

    return [Text(line) for line in lines]


def _human(data: dict[str, Any], problems: Sequence[Problem]) -> Iterable[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    for problem in problems:
        where = f"{problem.position}: " if str(problem.position) else ""
        about = f"  {problem.target}" if problem.target else ""
        yield Text.assemble(
            where, (f"{problem.severity}", _COLOURS[problem.severity]), f" {problem.id}", (about, "bold")
        )
        yield Text(f"    {problem.message}")
        for label, text in (("leads to", problem.consequence), ("do", problem.remedy)):
            if text:
                yield Text(f"    {label}: {text}")
    table = Table("check", "by", "verdict", box=None, pad_edge=False)
    for row in data["checked"]:
        table.add_row(row["what"], row["by"], row["verdict"])
    yield table
    yield Text(summary(problems))


def summary(problems: Sequence[Problem]) -> str:
    """How many findings of each severity, in words."""
    counts = Counter(problem.severity for problem in problems)
    words = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "remark"}
    parts = [f"{counts[severity]} {word}{'' if counts[severity] == 1 else 's'}" for severity, word in words.items()]
    return ", ".join(parts)


def _github_line(problem: Problem) -> str:
    """A workflow command (https://docs.github.com/actions/reference/workflow-commands-for-github-actions)."""
    position = problem.position
    places = {"file": position.file, "line": position.line, "col": position.column, "title": problem.id}
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in places.items() if value)
    text = "\n".join(part for part in (problem.message, problem.consequence, problem.remedy) if part)
    return f"::{_GITHUB[problem.severity]} {properties}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def junit(data: dict[str, Any], problems: Sequence[Problem]) -> str:
    """One test case per finding, and one that passes per thing that was examined and found good."""
    good = [row for row in data["checked"] if row["verdict"] == "ok"]
    cases = [f'  <testcase classname="stackctl.check" name={quoteattr(row["what"])}/>' for row in good]
    for problem in problems:
        name = f"{problem.id} {problem.position}".strip()
        body = escape("\n".join(part for part in (problem.message, problem.consequence, problem.remedy) if part))
        failure = (
            f"<failure type={quoteattr(str(problem.severity))} message={quoteattr(problem.message)}>{body}</failure>"
            if problem.severity > Severity.INFO
            else f"<system-out>{body}</system-out>"
        )
        cases.append(
            f"  <testcase classname={quoteattr(problem.id)} name={quoteattr(name)} file={quoteattr(problem.position.file)} "
            f'line="{problem.position.line}">{failure}</testcase>'
        )
    failures = sum(problem.severity > Severity.INFO for problem in problems)
    head = f'<testsuite name="stackctl check" tests="{len(cases)}" failures="{failures}" errors="0" skipped="0">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *cases, "</testsuite>"])
