"""A gateway scraped more often than every 15 s."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import Edit, found
from stackctl.problem import Severity
from stackctl.spec.quantity import Duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding

CHECK = Check(
    "doctor/scrape-interval",
    Severity.WARNING,
    "Several times the samples and disk, and load on the gateway, for alerts that do not become any faster.",
    "set scrape_interval to 15s or more",
)
_FLOOR = Duration("15s")


def examine(deployment: Deployment) -> Iterator[Finding]:
    """Scrape intervals of the gateway's jobs below the floor."""
    for job in deployment.gateway_jobs:
        try:
            interval = Duration(job.interval)
        except ValueError:
            continue
        if interval.milliseconds < _FLOOR.milliseconds:
            position = job.interval_node.position
            edit = Edit(position.file, position.line, job.interval, str(_FLOOR))
            message = f"job {job.name} scrapes every {job.interval}, below the floor of {_FLOOR}"
            yield found(CHECK, message, position, evidence=f"scrape_interval: {job.interval}", edits=(edit,))
