"""A setting that needs an Enterprise licence."""

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
    "doctor/enterprise-setting",
    Severity.WARNING,
    "Without the licence LiteLLM refuses to start or, for some settings, silently does not enforce them.",
    "take the setting out, or give LITELLM_LICENSE",
)
_LICENSED = (
    *("allowed_ips", "public_routes", "admin_only_routes", "max_request_size_mb", "max_response_size_mb"),
    *("enforced_params", "enable_jwt_auth", "enable_oauth2_auth", "store_audit_logs", "block_robots"),
    *("key_management_system", "default_team_settings", "llamaguard_unsafe_content_categories"),
)


def examine(deployment: Deployment) -> Iterator[Finding]:
    """Licensed settings in a deployment without LITELLM_LICENSE."""
    if any("LITELLM_LICENSE" in service.environment for service in deployment.gateways):
        return
    for section in ("general_settings", "litellm_settings"):
        node = deployment.config.get(section)
        for name in _LICENSED:
            if node.get(name):
                message = f"{section}.{name} needs a LiteLLM Enterprise licence"
                yield found(CHECK, message, node.key_position(name), evidence=f"{name} is set, LITELLM_LICENSE is not")
