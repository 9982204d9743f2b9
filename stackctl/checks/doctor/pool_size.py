"""More database connections than PostgreSQL grants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.deployment import processes_of
from stackctl.checks.doctor.finding import Edit, found
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding

CHECK = Check(
    "doctor/pool-size",
    Severity.ERROR,
    'Under load PostgreSQL answers "too many clients", and requests fail at the key check.',
    "lower database_connection_pool_limit, which counts per worker, or raise max_connections",
)
_DEFAULT_LIMIT = 10
"""LiteLLM's own default, per worker process."""
_DEFAULT_CONNECTIONS = 100
_RESERVED = 3
"""superuser_reserved_connections."""


def examine(deployment: Deployment) -> Iterator[Finding]:
    """limit x workers x replicas against max_connections."""
    general = deployment.config.get("general_settings")
    limit_node = general.get("database_connection_pool_limit")
    uses_database = bool(general.get("database_url")) or any(
        "DATABASE_URL" in s.environment for s in deployment.gateways
    )
    if deployment.engine != "litellm" or not uses_database or not deployment.gateways:
        return
    limit = int(limit_node.text) if limit_node.text.isdigit() else _DEFAULT_LIMIT
    processes = processes_of(deployment)
    granted = _max_connections(deployment)
    if limit * processes <= granted - _RESERVED:
        return
    position = limit_node.position if limit_node else deployment.gateways[0].position
    fitting = max(1, (granted - _RESERVED) // processes)
    edits = (Edit(position.file, position.line, limit_node.text, str(fitting)),) if limit_node else ()
    evidence = f"{limit} per worker x {processes} worker processes = {limit * processes}; max_connections is {granted}"
    message = f"the gateways may open {limit * processes} connections, and PostgreSQL grants {granted}"
    yield found(CHECK, message, position, evidence=evidence, edits=edits)


def _max_connections(deployment: Deployment) -> int:
    for service in deployment.of_role("postgres"):
        for word in service.words:
            name, _, value = word.removeprefix("-c").partition("=")
            if name == "max_connections" and value.isdigit():
                return int(value)
    return _DEFAULT_CONNECTIONS
