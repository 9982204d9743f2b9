"""spec → prometheus.yml and the rule files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackctl.catalogue.alerts import load_alert_groups
from stackctl.catalogue.signals import load_signals
from stackctl.render.gateway import from_bundle
from stackctl.render.templates import fill
from stackctl.render.yaml_text import to_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.catalogue.alerts import Alert
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
