"""Prices that change without anybody having changed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import found
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding

CHECK = Check(
    "doctor/price-map",
    Severity.INFO,
    "At every start the price table is fetched from a branch on the internet: costs change unannounced, and a start without network is slow.",
    "set LITELLM_LOCAL_MODEL_COST_MAP=True",
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """Gateways that load the price table from the internet."""
    if deployment.engine != "litellm":
        return
    for service in deployment.gateways:
        if "LITELLM_LOCAL_MODEL_COST_MAP" not in service.environment:
            message = f"{service.name} fetches its price table from the internet at every start"
            evidence = "LITELLM_LOCAL_MODEL_COST_MAP is not set"
            yield found(CHECK, message, service.position, evidence=evidence)
