"""An alert that Alertmanager sends nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.route.walk import AlertLabels, labels_of, reachable
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.artefacts import AlertmanagerConfig, Route
    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "route/dead-end",
    Severity.ERROR,
    "The alert fires, is shown in Alertmanager, and nobody is told.",
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Every alert, walked through the routing tree; and receivers that routes name but nobody defines."""
    config = subject.artefacts.alertmanager
    if config is None:
        return
    yield from _undefined(config, config.root)
    external = subject.artefacts.prometheus.external_labels if subject.artefacts.prometheus else {}
    for item in subject.alerts:
        yield from _examine(config, labels_of(item, external), item.target)


def _undefined(config: AlertmanagerConfig, route: Route) -> Iterator[Problem]:
    if route.receiver not in config.receivers:
        name = route.receiver or "without a name"
        yield CHECK.problem(f"no receiver {name} is defined", route.position, remedy="define it under receivers")
    for child in route.routes:
        yield from _undefined(config, child)


def _examine(config: AlertmanagerConfig, labels: AlertLabels, target: str) -> Iterator[Problem]:
    for route, certain in reachable(config.root, labels):
        receiver = config.receivers.get(route.receiver)
        if receiver is None or receiver.integrations:
            continue
        how = "ends" if certain else "can end, depending on its labels,"
        yield CHECK.problem(
            f"{target} {how} at the receiver {receiver.name}, which sends nothing",
            route.position,
            target,
            severity=CHECK.severity if certain else Severity.WARNING,
            remedy=f"give {receiver.name} an integration, or route the alert elsewhere",
        )
