"""A port that is open to the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import Edit, found
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding
    from stackctl.checks.doctor.service import Port

CHECK = Check(
    "doctor/open-port",
    Severity.WARNING,
    "Docker opens published ports in the firewall too: everybody who reaches this machine reaches the service.",
    "publish it on 127.0.0.1, or not at all: services reach each other by name",
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """Published ports of everything that has no business in the network; databases are errors.

    The gateway is there to be reached, so its own port is not judged.
    """
    for service in deployment.services:
        if service.role in ("gateway", "other"):
            continue
        for port in service.ports:
            if port.is_open:
                severity = Severity.ERROR if service.role in ("postgres", "redis") else None
                yield found(
                    CHECK,
                    f"{service.name} is open to the network on port {port.published}",
                    port.position,
                    evidence=f"ports: {port.written}",
                    severity=severity,
                    edits=_edits(port),
                )


def _edits(port: Port) -> tuple[Edit, ...]:
    if not port.written or port.written == port.published:
        return ()
    bare = port.written.removeprefix("0.0.0.0:")
    return (Edit(port.position.file, port.position.line, port.written, f"127.0.0.1:{bare}"),)
