"""Rules whose alerts nobody receives."""

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
    "doctor/alerting-unconnected",
    Severity.ERROR,
    "Alerts fire in Prometheus and go nowhere.",
    "name an Alertmanager under alerting.alertmanagers, and run it",
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """rule_files without alertmanagers, an Alertmanager that is no service, or a receiver that receives nothing."""
    rules = deployment.prometheus.get("rule_files")
    managers = deployment.prometheus.get("alerting", "alertmanagers")
    if rules and not list(managers):
        evidence = "rule_files is set, alerting.alertmanagers is not"
        yield found(
            CHECK,
            "Prometheus sends its alerts to nobody",
            deployment.prometheus.key_position("rule_files"),
            evidence=evidence,
        )
    names = {service.name for service in deployment.services}
    for manager in managers:
        for group in manager.get("static_configs"):
            for target in group.get("targets"):
                host = target.text.partition(":")[0]
                if names and host not in names and "." not in host:
                    evidence = f"targets: {target.text}"
                    yield found(
                        CHECK, f"there is no service {host} to send alerts to", target.position, evidence=evidence
                    )
    yield from _empty_receivers(deployment)


def _empty_receivers(deployment: Deployment) -> Iterator[Finding]:
    wanted = deployment.alertmanager.get("route", "receiver").text
    for receiver in deployment.alertmanager.get("receivers"):
        name = receiver.get("name")
        if name.text == wanted and not any(key.endswith("_configs") for key, _ in receiver.items()):
            evidence = f"receiver '{wanted}' of the root route has no *_configs"
            yield found(CHECK, "alerts end at a receiver that does nothing", name.position, evidence=evidence)
