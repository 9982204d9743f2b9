"""Time series without a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import Edit, found, is_block
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding

CHECK = Check(
    "doctor/retention",
    Severity.WARNING,
    "The disk fills up, and a full disk stops Prometheus and everything else on it.",
    "add --storage.tsdb.retention.size, and --storage.tsdb.retention.time where 15 days are not what you want",
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """A Prometheus with no size bound on its storage."""
    in_file = deployment.prometheus.get("storage", "tsdb", "retention", "size")
    for service in deployment.of_role("prometheus"):
        if service.option("--storage.tsdb.retention.size") or in_file:
            continue
        time = service.option("--storage.tsdb.retention.time") or "15d, the default"
        node = service.node.get("command")
        edits: tuple[Edit, ...] = ()
        if is_block(node) and isinstance(node.data, list):
            last = list(node)[-1].position
            edits = (Edit(last.file, last.line, "", f"{' ' * (last.column - 3)}- --storage.tsdb.retention.size=2GB"),)
        yield found(
            CHECK,
            f"{service.name} keeps its time series without a bound on the disk",
            service.command_position,
            evidence=f"no --storage.tsdb.retention.size; kept for {time}",
            edits=edits,
        )
