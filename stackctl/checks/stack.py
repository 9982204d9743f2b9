"""All checks of one stack directory."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from stackctl.checks.doctor.denied_version import examine_spec
from stackctl.checks.engine import examine
from stackctl.checks.files import subject_of_bundle
from stackctl.checks.ignore import apply_ignores
from stackctl.checks.native import check_native, check_native_on_disk
from stackctl.checks.report import Report
from stackctl.checks.rule_tests import check_rule_tests
from stackctl.checks.secrets import check_secrets
from stackctl.errors import ToolMissingError
from stackctl.problem import Position, Problem, Severity
from stackctl.render import Change, drift, render_bundle
from stackctl.runtime.base import locked_images
from stackctl.runtime.tools import Tool, find_tool
from stackctl.spec import load_spec

if TYPE_CHECKING:
    from stackctl.checks.subject import Subject
    from stackctl.spec import SpecFile
    from stackctl.stack import StackDir


def check_stack(stack: StackDir) -> tuple[Report, Subject]:
    """Examine the spec, its secrets, what it renders to, and what lies on disk; raises SpecError for a bad spec."""
    source = load_spec(stack.spec)
    bundle = render_bundle(source, locked_images(stack, source.spec))
    report = Report()
    report.add(str(stack.spec), "stackctl", examine_spec(source))
    report.add("secrets", "stackctl", check_secrets(source, stack.root))
    subject = subject_of_bundle(source, bundle.files, stack.bundle)
    report.add(_scope(subject), "stackctl", examine(subject))
    promtool, amtool = _tool("promtool"), _tool("amtool")
    check_native(bundle, promtool, amtool, report)
    check_rule_tests(bundle.files, promtool, report)
    if stack.bundle.exists():
        edited = [item.path for item in drift(bundle, stack.bundle) if item.change is Change.HAND_EDITED]
        there = [path for path in edited if (stack.bundle / path).is_file()]
        check_native_on_disk(stack.bundle, there, promtool, amtool, report)
        report.add(str(stack.bundle), "stackctl", [_hand_edited(stack, path) for path in edited])
    return report, subject


def finish(report: Report, source: SpecFile | None, today: datetime.date | None = None) -> None:
    """Apply the spec's suppressions to everything that was found, once all checks have run."""
    if source is not None:
        report.problems = apply_ignores(report.problems, source, today or datetime.datetime.now().astimezone().date())


def check_files(subject: Subject) -> Report:
    """Examine files that nobody rendered."""
    report = Report()
    report.add(_scope(subject), "stackctl", examine(subject))
    return report


def _scope(subject: Subject) -> str:
    panels = sum(len(dashboard.panels) for dashboard in subject.artefacts.dashboards)
    parts = [f"{len(subject.rules)} rules", f"{panels} panels", f"{len(subject.expressions)} queries"]
    return f"{', '.join(parts)} against {' and '.join(subject.catalogues)}"


def _hand_edited(stack: StackDir, path: str) -> Problem:
    return Problem(
        "render/hand-edited",
        "edited by hand since it was rendered",
        Severity.WARNING,
        Position(str(stack.bundle / path)),
        consequence="The next `stackctl render` refuses to go on, or overwrites the change.",
        remedy="move the change into stack.yaml, or run `stackctl render --force`",
        target=path,
    )


def _tool(name: str) -> Tool | None:
    try:
        return find_tool(name)
    except ToolMissingError:
        return None
