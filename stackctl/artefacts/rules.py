"""Prometheus rule files (https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackctl.artefacts.durations import seconds

if TYPE_CHECKING:
    from stackctl.problem import Position
    from stackctl.source import Node, Placed


@dataclass(frozen=True)
class Rule:
    """An alerting or a recording rule."""

    alert: bool
    name: str
    expr: Placed
    labels: dict[str, Placed]
    annotations: dict[str, Placed]
    for_s: float
    position: Position
    group: str

    @property
    def severity(self) -> str:
        return self.labels["severity"].text if "severity" in self.labels else ""


@dataclass(frozen=True)
class RuleGroup:
    """Rules evaluated together; `interval_s` is None where the global one holds."""

    name: str
    interval_s: float | None
    rules: tuple[Rule, ...]
    position: Position


@dataclass(frozen=True)
class RuleFile:
    """One file of groups."""

    file: str
    groups: tuple[RuleGroup, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(rule for group in self.groups for rule in group.rules)


def read_rules(root: Node) -> RuleFile:
    """A rule file, or a Kubernetes PrometheusRule that holds one under `spec`."""
    groups = root.get("groups") or root.get("spec", "groups")
    return RuleFile(root.lines.file, tuple(_group(node) for node in groups))


def _group(node: Node) -> RuleGroup:
    name = node.get("name").text
    rules = tuple(_rule(item, name) for item in node.get("rules") if item.get("expr").placed)
    return RuleGroup(name, seconds(node.get("interval").text), rules, node.position)


def _rule(node: Node, group: str) -> Rule:
    alert = bool(node.get("alert"))
    name = node.get("alert" if alert else "record")
    expr = node.get("expr").placed
    assert expr is not None  # noqa: S101 the caller keeps rules without an expression out
    return Rule(
        alert,
        name.text,
        expr,
        _texts(node.get("labels")),
        _texts(node.get("annotations")),
        seconds(node.get("for").text) or 0.0,
        name.position,
        group,
    )


def _texts(node: Node) -> dict[str, Placed]:
    return {name: item.placed for name, item in node.items() if item.placed is not None}
