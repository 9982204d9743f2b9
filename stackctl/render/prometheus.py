"""spec → prometheus.yml and the rule files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.render.gateway import MASTER_KEY_FILE
from stackctl.render.places import internal_address, secret_path
from stackctl.render.templates import fill
from stackctl.render.yaml_text import to_yaml

if TYPE_CHECKING:
    from stackctl.catalogue.rules import RuleSet
    from stackctl.spec import Spec


def prometheus_yml(spec: Spec) -> str:
    """Scrape jobs, rule files and the Alertmanager to notify."""
    litellm = spec.gateway.engine == "litellm"
    # LiteLLM asks everybody for a key; the master key is the one that is known to be allowed.
    token = spec.gateway.metrics.token or (f"file:{MASTER_KEY_FILE}" if litellm else None)
    return fill(
        "prometheus/prometheus.yml.j2",
        spec=spec,
        gateway_address=internal_address(spec, "gateway"),
        prometheus_address=internal_address(spec, "prometheus"),
        alertmanager_address=internal_address(spec, "alertmanager"),
        grafana_address=internal_address(spec, "grafana") if spec.runs_grafana else None,
        # LiteLLM answers /metrics with a redirect to an absolute http:// URL.
        metrics_path="/metrics/" if litellm else "/metrics",
        metrics_token_file=secret_path(spec, token, "../..") if token else None,
    )


def rule_files(rules: RuleSet) -> dict[str, str]:
    """File name → rule file, one per group."""
    return {group.file: to_yaml(group.as_yaml()) for group in rules.groups}
