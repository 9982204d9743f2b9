"""An image tag that means something else tomorrow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import found
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding

CHECK = Check(
    "doctor/floating-tag",
    Severity.WARNING,
    "A restart may bring another release, with other metrics and other bugs, and nobody can say afterwards what ran.",
    "name a release, and pin it by digest: name:tag@sha256:…",
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """Images without a digest whose tag is missing, a branch, or a moving channel."""
    for service in deployment.services:
        image = service.image.text
        if not image or "@sha256:" in image or not _floats(service.tag):
            continue
        shown = service.tag or "no tag, which means latest"
        message = f"{service.name} runs whatever '{service.repository}' is when it is pulled"
        yield found(CHECK, message, service.image.position, evidence=f"image: {image} ({shown})")


def _floats(tag: str) -> bool:
    return (
        not tag
        or not re.search(r"\d", tag)
        or bool(re.fullmatch(r"(main|master|nightly|edge|dev)([-_.].*)?", tag) and not re.search(r"\d+\.\d+", tag))
    )
