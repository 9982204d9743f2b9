"""A LiteLLM release that must not run, or one to think about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.catalogue.releases import refused, warned
from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import found
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding
    from stackctl.problem import Problem
    from stackctl.spec import SpecFile

CHECK = Check(
    "doctor/denied-version",
    Severity.ERROR,
    "The release was compromised, nobody can say whether it was tampered with, or it has no metrics without a licence.",
    "move to a current release, and verify it: `stackctl verify-image`",
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """Versions known to be bad, unsigned, or gated."""
    if deployment.engine != "litellm":
        return
    for service in deployment.gateways:
        for reason in refused(service.version):
            message = f"{service.name} runs LiteLLM {service.version}: {reason}"
            yield found(CHECK, message, service.image.position, evidence=f"image: {service.image.text}")
        for reason in warned(service.version):
            message = f"{service.name} runs LiteLLM {service.version}: {reason}"
            evidence = f"image: {service.image.text}"
            yield found(CHECK, message, service.image.position, evidence=evidence, severity=Severity.WARNING)


def examine_spec(source: SpecFile) -> list[Problem]:
    """The release that a spec names, where that one is to be thought about; a denied one is no valid spec."""
    gateway, position = source.spec.gateway, source.document.position(("gateway", "version"))
    if gateway.engine != "litellm":
        return []
    return [
        CHECK.problem(f"LiteLLM {gateway.release}: {reason}", position, severity=Severity.WARNING)
        for reason in warned(gateway.release)
    ]
