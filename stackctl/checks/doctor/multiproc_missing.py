"""Several workers count, and nothing adds their counts up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.catalogue.releases import at_least, litellm_releases
from stackctl.checks.check import Check
from stackctl.checks.doctor.deployment import launch_of, workers_of
from stackctl.checks.doctor.finding import Edit, found, is_block
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding
    from stackctl.checks.doctor.service import Service

CHECK = Check(
    "doctor/multiproc-missing",
    Severity.ERROR,
    "Each worker answers a scrape with its own counts: totals jump at random, and increase() invents traffic out of the falls.",
    "set PROMETHEUS_MULTIPROC_DIR to a tmpfs of this container alone",
)
_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def examine(deployment: Deployment) -> Iterator[Finding]:
    """Gateways with more than one worker and no PROMETHEUS_MULTIPROC_DIR.

    `litellm --num_workers` makes the directory itself in current releases; a bare uvicorn or gunicorn never does.
    """
    if deployment.engine != "litellm" or not deployment.counts_requests:
        return
    for service in deployment.gateways:
        workers, launch = workers_of(service), launch_of(service)
        if workers < 2 or any(name.upper() == _VARIABLE for name in service.environment):
            continue
        made_by_itself = at_least(service.version, litellm_releases().multiprocess_directory_since)
        if launch == "litellm" and made_by_itself:
            continue
        evidence = f"{launch} starts {workers} workers: {' '.join(service.words)}"
        unsure = launch == "litellm"
        message = f"{service.name} runs {workers} workers without {_VARIABLE}"
        message += " (only releases from 1.102.4 on are known to make it themselves)" if unsure else ""
        severity = Severity.WARNING if unsure else None
        yield found(
            CHECK, message, service.command_position, evidence=evidence, severity=severity, edits=_edits(service)
        )


def _edits(service: Service) -> tuple[Edit, ...]:
    """The variable at the head of `environment`, and a tmpfs before it where there is none yet."""
    node = service.node.get("environment")
    if not is_block(node) or not is_block(service.node):
        return ()
    key = service.node.key_position("environment")
    indent = " " * (key.column - 1)
    entry = f"- {_VARIABLE}=/run/metrics" if isinstance(node.data, list) else f"{_VARIABLE}: /run/metrics"
    step = " " * (node.position.column - 1)
    tmpfs = "" if service.get("tmpfs") else f'{indent}tmpfs: ["/run/metrics"]\n'
    lines = [Edit(key.file, key.line, "", f"{step}{entry}")]
    return (*lines, Edit(service.position.file, service.position.line, "", tmpfs)) if tmpfs else tuple(lines)
