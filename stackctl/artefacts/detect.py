"""Which kind of file a text is, by what it holds and not by its name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stackctl.artefacts.alertmanager import AlertmanagerConfig, read_alertmanager
from stackctl.artefacts.dashboard import Dashboard, read_dashboard
from stackctl.artefacts.prometheus import PrometheusConfig, read_prometheus
from stackctl.artefacts.rules import RuleFile, read_rules
from stackctl.errors import UsageError
from stackctl.source import read_json, read_yaml

if TYPE_CHECKING:
    from stackctl.source import Node


@dataclass
class Artefacts:
    """Everything that was read."""

    rules: list[RuleFile] = field(default_factory=list)
    dashboards: list[Dashboard] = field(default_factory=list)
    prometheus: PrometheusConfig | None = None
    alertmanager: AlertmanagerConfig | None = None


def read_artefact(text: str, file: str, into: Artefacts) -> str:
    """Read one file into `into`; returns what it is. Raises UsageError if it is none of the known kinds."""
    root = read_json(text, file) if text.lstrip().startswith("{") else read_yaml(text, file)
    kind = _kind(root)
    if kind == "rules":
        into.rules.append(read_rules(root))
    elif kind == "dashboard":
        into.dashboards.append(read_dashboard(root))
    elif kind == "prometheus":
        into.prometheus = read_prometheus(root)
    elif kind == "alertmanager":
        try:
            into.alertmanager = read_alertmanager(root)
        except ValueError as error:
            raise UsageError(f"{file}: {error}") from None
    else:
        raise UsageError(
            f"{file} is neither a rule file nor a dashboard, nor the configuration of Prometheus or Alertmanager",
            remedy="give files of these kinds",
        )
    return kind


def _kind(root: Node) -> str:
    if root.get("groups") or root.get("spec", "groups"):
        return "rules"
    if root.get("panels") or root.get("rows") or root.get("dashboard", "panels") or root.get("schemaVersion"):
        return "dashboard"
    if root.get("route") and root.get("receivers"):
        return "alertmanager"
    if root.get("scrape_configs") or root.get("global") or root.get("rule_files"):
        return "prometheus"
    return ""
