"""spec → prometheus.yml and the rule files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.render.gateway import from_bundle
from stackctl.render.templates import fill
from stackctl.render.yaml_text import to_yaml

if TYPE_CHECKING:
    from stackctl.catalogue.rules import RuleSet
    from stackctl.spec import Spec


def prometheus_yml(spec: Spec) -> str:
    """Scrape jobs, rule files and the Alertmanager to notify."""
    token = from_bundle(spec.gateway.metrics.token)
    return fill(
        "prometheus/prometheus.yml.j2",
        spec=spec,
        gateway_address=address(spec.gateway.host, spec.gateway.port),
        prometheus_address=address(spec.prometheus.host, spec.prometheus.port),
        alertmanager_address=address(spec.alertmanager.host, spec.alertmanager.port),
        metrics_token_file=token.removeprefix("file:") if token else None,
    )


def address(host: str, port: int) -> str:
    """host:port as one reaches it from this machine: a wildcard address is reached over loopback."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 compared, not bound
    return f"[{reachable}]:{port}" if ":" in reachable else f"{reachable}:{port}"


def rule_files(rules: RuleSet) -> dict[str, str]:
    """File name → rule file, one per group."""
    return {group.file: to_yaml(group.as_yaml()) for group in rules.groups}
