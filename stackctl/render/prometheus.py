"""spec → prometheus.yml and the rule files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackctl.catalogue.alerts import load_alert_groups
from stackctl.catalogue.signals import load_signals
from stackctl.render.gateway import MASTER_KEY_FILE
from stackctl.render.places import internal_address, secret_path
from stackctl.render.templates import fill
from stackctl.render.yaml_text import to_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.catalogue.alerts import Alert
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


def rule_files(spec: Spec, alerts: Sequence[Alert]) -> dict[str, str]:
    """File name → rule file, one per alert group.

    A group records the signals its alerts stand on just before the alerts, so that both are evaluated in one
    pass: recording them in another group would delay every alert by up to one evaluation interval.
    """
    signals = load_signals(spec.gateway.engine)
    files: dict[str, str] = {}
    for group in load_alert_groups():
        rules: list[dict[str, Any]] = [dict(signals.recording_rule(name)) for name in group.signals]
        rules += [alert.rule() for alert in alerts if alert.group == group.group]
        if rules:
            name = group.group.removeprefix("llm-")
            files[f"{name}.yml"] = to_yaml({"groups": [{"name": group.group, "rules": rules}]})
    return files
