"""All checks of one stack directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.native import check_native
from stackctl.checks.report import Report
from stackctl.checks.secrets import check_secrets
from stackctl.errors import ToolMissingError
from stackctl.problem import Position, Problem, Severity
from stackctl.render import Change, drift, render_bundle
from stackctl.runtime.tools import Tool, find_tool
from stackctl.spec import load_spec

if TYPE_CHECKING:
    from stackctl.stack import StackDir


def check_stack(stack: StackDir) -> Report:
    """Examine the spec, its secrets, what it renders to, and what lies on disk; raises SpecError for a bad spec."""
    source = load_spec(stack.spec)
    bundle = render_bundle(source)
    report = Report()
    report.add(str(stack.spec), "stackctl", [])
    report.add("secrets", "stackctl", check_secrets(source, stack.root))
    check_native(bundle, _tool("promtool"), _tool("amtool"), report)
    if stack.bundle.exists():
        edited = [item for item in drift(bundle, stack.bundle) if item.change is Change.HAND_EDITED]
        report.add(
            str(stack.bundle),
            "stackctl",
            [
                Problem(
                    "render/hand-edited",
                    "edited by hand since it was rendered",
                    Severity.WARNING,
                    Position(str(stack.bundle / item.path)),
                    remedy="move the change into stack.yaml, or run `stackctl render --force`",
                )
                for item in edited
            ],
        )
    return report


def _tool(name: str) -> Tool | None:
    try:
        return find_tool(name)
    except ToolMissingError:
        return None
