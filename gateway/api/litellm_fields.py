"""Fields of LiteLLM's admin API that this gateway has no use for, and values of them that ask for nothing.

LiteLLM's clients send many fields with their defaults. Those are taken as not sent; a value that would have to do
something is refused, because silence would look like a limit that holds. The names are those of LiteLLM 1.102.4
(`GenerateKeyRequest`, `NewTeamRequest`, `NewUserRequest` and their updates in litellm/proxy/_types.py).
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

FOREIGN = frozenset(
    (
        "access_group_ids", "admins", "agent_id", "aliases", "allow_team_guardrail_config", "allowed_cache_controls",
        "allowed_passthrough_routes", "allowed_routes", "allowed_vector_store_indexes", "auto_rotate",
        "budget_fallbacks", "budget_id", "budget_limits", "config", "default_estimated_output_tokens",
        "default_estimated_output_tokens_per_model", "default_team_member_models", "disable_global_guardrails",
        "enable_prompt_caching", "enforced_batch_output_expires_after", "enforced_file_expires_after",
        "enforced_params", "grace_period", "guardrails", "key_type", "mcp_rpm_limit", "members",
        "members_with_roles", "model_aliases", "model_max_budget", "model_rpm_limit", "model_tpm_limit",
        "object_permission", "organization_id", "organizations", "permissions", "policies", "project_id", "prompts",
        "rotation_interval", "router_settings", "rpm_limit_type", "secret_manager_settings", "send_invite_email",
        "spend", "sso_user_id", "tag_rpm_limit", "team_member_budget", "team_member_budget_duration",
        "team_member_key_duration", "team_member_permissions", "team_member_rpm_limit", "team_member_tpm_limit",
        "teams", "temp_budget_expiry", "temp_budget_increase", "throttle_on_budget_exceeded", "tpm_limit_type",
    )
)  # fmt: skip
# A key of this gateway calls models and nothing else, which is what these two say.
_KEY_TYPES = ("default", "llm_api")


def without_idle(body: dict[str, Any], own: Container[str]) -> dict[str, Any]:
    """The body without foreign fields that ask for nothing. Raises ValueError for one that asks for something."""
    kept = {}
    for name, value in body.items():
        if name in own or name not in FOREIGN:
            kept[name] = value
        elif value not in (None, False, 0, "", [], {}) and not (name == "key_type" and value in _KEY_TYPES):
            raise ValueError(f"{name} is LiteLLM's and would have no effect here")
    return kept
