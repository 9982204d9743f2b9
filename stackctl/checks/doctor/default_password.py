"""A password that everybody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import found
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding

CHECK = Check(
    "doctor/default-password",
    Severity.ERROR,
    "Whoever reaches the port owns the keys, the spend and the dashboards.",
    "generate one (openssl rand -base64 24), keep it in a file outside the repository, and pass it as a secret",
)
_SECRETS = (
    *("GF_SECURITY_ADMIN_PASSWORD", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "LITELLM_MASTER_KEY", "UI_PASSWORD"),
    *("LITELLM_SALT_KEY", "POSTGRESQL_PASSWORD", "PGPASSWORD"),
)
_KNOWN = frozenset(
    (
        *("admin", "password", "postgres", "changeme", "change-me", "secret", "litellm", "llmproxy", "test", "root"),
        *("dbpassword9090", "notagreatpassword", "sk-1234", "sk-12345", "123456", "grafana", "redis", "example"),
    )
)
"""Passwords of public examples, LiteLLM's own Compose file and Helm chart among them."""


def examine(deployment: Deployment) -> Iterator[Finding]:
    """Well-known or missing passwords of Grafana, PostgreSQL, Redis and the gateway itself."""
    for service in deployment.services:
        for name, value in service.environment.items():
            if name in _SECRETS and _is_known(value.text):
                shown = f"{name}={value.text}"
                yield found(
                    CHECK, f"{service.name} has a password that everybody knows", value.position, evidence=shown
                )
            elif name == "DATABASE_URL" and (password := urlsplit(value.text).password) and _is_known(password):
                message = f"{service.name} reaches its database with a password that everybody knows"
                yield found(CHECK, message, value.position, evidence=f"DATABASE_URL has the password '{password}'")
    yield from _master_key(deployment)
    yield from _grafana(deployment)


def _master_key(deployment: Deployment) -> Iterator[Finding]:
    key = deployment.config.get("general_settings", "master_key")
    if key.text and _is_known(key.text):
        yield found(
            CHECK, "the master key is one that everybody knows", key.position, evidence=f"master_key: {key.text}"
        )


def _grafana(deployment: Deployment) -> Iterator[Finding]:
    for service in deployment.of_role("grafana"):
        anonymous = service.environment.get("GF_AUTH_ANONYMOUS_ENABLED")
        if not any(name.startswith("GF_SECURITY_ADMIN_PASSWORD") for name in service.environment):
            evidence = "GF_SECURITY_ADMIN_PASSWORD is not set, so it is admin/admin"
            yield found(CHECK, f"{service.name} has Grafana's default password", service.position, evidence=evidence)
        if anonymous and anonymous.text.lower() == "true":
            role = service.environment.get("GF_AUTH_ANONYMOUS_ORG_ROLE")
            evidence = f"GF_AUTH_ANONYMOUS_ENABLED=true, role {role.text if role else 'Viewer'}"
            yield found(
                CHECK, f"{service.name} lets everybody in without a password", anonymous.position, evidence=evidence
            )


def _is_known(text: str) -> bool:
    return text.lower() in _KNOWN
