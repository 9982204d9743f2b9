"""A rule group that runs too seldom for what it records to stay visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.artefacts.durations import shown
from stackctl.checks.check import Check
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "rule/group-interval",
    Severity.WARNING,
    "An instant query looks back five minutes: what is recorded less often has gaps, and alerts on it flap.",
)
LOOKBACK_S = 300


def examine(subject: Subject) -> Iterator[Problem]:
    """Groups whose interval exceeds the lookback of instant queries."""
    for file in subject.artefacts.rules:
        for group in file.groups:
            if group.interval_s is not None and group.interval_s > LOOKBACK_S:
                yield CHECK.problem(
                    f"the group runs every {shown(group.interval_s)}",
                    group.position,
                    group.name,
                    remedy=f"use {shown(LOOKBACK_S)} or less",
                )
