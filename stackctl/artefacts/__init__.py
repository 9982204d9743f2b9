"""Files of Prometheus, Alertmanager and Grafana as typed values with places: ours and other people's."""

from stackctl.artefacts.alertmanager import AlertmanagerConfig, InhibitRule, Receiver, Route, read_alertmanager
from stackctl.artefacts.dashboard import Dashboard, Panel, Target, Variable, read_dashboard
from stackctl.artefacts.detect import Artefacts, read_artefact
from stackctl.artefacts.prometheus import PrometheusConfig, ScrapeJob, read_prometheus
from stackctl.artefacts.rules import Rule, RuleFile, RuleGroup, read_rules

__all__ = [
    "AlertmanagerConfig",
    "Artefacts",
    "Dashboard",
    "InhibitRule",
    "Panel",
    "PrometheusConfig",
    "Receiver",
    "Route",
    "Rule",
    "RuleFile",
    "RuleGroup",
    "ScrapeJob",
    "Target",
    "Variable",
    "read_alertmanager",
    "read_artefact",
    "read_dashboard",
    "read_prometheus",
    "read_rules",
]
