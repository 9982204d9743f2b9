"""Alerts that can never fire on the metrics this gateway has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stackctl.catalogue.load import line_of
from stackctl.catalogue.releases import release
from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import Finding
from stackctl.checks.engine import examine as examine_rules
from stackctl.checks.files import subject_of_files
from stackctl.errors import UsageError
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment

CHECK = Check(
    "doctor/dead-alerts",
    Severity.ERROR,
    "The alert is silent for ever, and its silence looks like health.",
    "use the names LiteLLM has: `stackctl catalogue` lists them, and `stackctl check FILE` explains each finding",
)
_DEADLY = frozenset(
    (
        *("promql/syntax", "promql/unknown-metric", "promql/unknown-label", "promql/dead-match"),
        *("promql/impossible-value", "alert/never-fires", "alert/no-comparison"),
    )
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """What the static checks say of the rule files, against the catalogue of the running release."""
    if not deployment.rules:
        return
    try:
        line = line_of(deployment.engine, _version(deployment))
    except UsageError:
        line = line_of(deployment.engine)
    for problem in examine_rules(subject_of_files(list(deployment.rules), [line])):
        if problem.id in _DEADLY:
            evidence = problem.evidence or f"{problem.id}, by the catalogue {line}"
            yield Finding(replace(problem, evidence=evidence))


def _version(deployment: Deployment) -> str | None:
    versions = [service.version for service in deployment.gateways if service.version]
    numbers = release(versions[0]) if versions else None
    return ".".join(map(str, numbers)) if numbers else None
