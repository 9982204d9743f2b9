"""Examinations of a stack: one module per check, one page per check in docs/checks."""

from stackctl.checks.report import Checked, Report
from stackctl.checks.stack import check_files, check_stack, finish

__all__ = ["Checked", "Report", "check_files", "check_stack", "finish"]
