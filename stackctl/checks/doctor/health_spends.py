"""A healthcheck that calls every provider."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import Edit, found
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding
    from stackctl.checks.doctor.service import Service

CHECK = Check(
    "doctor/health-spends",
    Severity.ERROR,
    "/health makes real calls to every model, three tries each: it costs money every few seconds and spoils the metrics.",
    "probe /health/liveliness or /health/readiness, which call nobody",
)
_HEALTH = re.compile(r"https?://[^\s\"']+?/health(?![\w/])")


def examine(deployment: Deployment) -> Iterator[Finding]:
    """A healthcheck on LiteLLM's /health."""
    if deployment.engine != "litellm":
        return
    for service in deployment.gateways:
        test = service.healthcheck
        if match := _HEALTH.search(test.text):
            line = _line_of(service, match.group())
            edits = (Edit(test.position.file, line, match.group(), f"{match.group()}/liveliness"),) if line else ()
            message = f"the healthcheck of {service.name} calls every provider"
            yield found(CHECK, message, test.position, evidence=f"test: {test.text}", edits=edits)


def _line_of(service: Service, text: str) -> int:
    """The line of the healthcheck that holds the address; 0 if it is spread over several."""
    node = service.get("healthcheck", "test")
    for item in node if isinstance(node.data, list) else (node,):
        if text in item.text and "\n" not in item.text:
            return item.position.line
    return 0
