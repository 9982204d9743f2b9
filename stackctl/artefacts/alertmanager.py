"""alertmanager.yml: the routing tree, receivers and inhibition rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackctl.artefacts.matchers import LabelMatcher, parse_matchers

if TYPE_CHECKING:
    from stackctl.problem import Position
    from stackctl.source import Node


@dataclass(frozen=True)
class Route:
    """A node of the routing tree; `receiver` is inherited where it is not given."""

    receiver: str
    matchers: tuple[LabelMatcher, ...]
    continues: bool
    routes: tuple[Route, ...]
    position: Position


@dataclass(frozen=True)
class Receiver:
    """A named receiver and how many integrations it has."""

    name: str
    integrations: int
    position: Position


@dataclass(frozen=True)
class InhibitRule:
    """Alerts that match `source` mute those that match `target`, where the `equal` labels agree."""

    source: tuple[LabelMatcher, ...]
    target: tuple[LabelMatcher, ...]
    equal: tuple[str, ...]
    position: Position


@dataclass(frozen=True)
class AlertmanagerConfig:
    """What becomes of a firing alert."""

    file: str
    root: Route
    receivers: dict[str, Receiver]
    inhibitions: tuple[InhibitRule, ...]


def read_alertmanager(node: Node) -> AlertmanagerConfig:
    """alertmanager.yml; raises ValueError for a matcher that cannot be read."""
    receivers = [_receiver(item) for item in node.get("receivers")]
    return AlertmanagerConfig(
        node.lines.file,
        _route(node.get("route"), ""),
        {receiver.name: receiver for receiver in receivers},
        tuple(_inhibition(item) for item in node.get("inhibit_rules")),
    )


def _route(node: Node, inherited: str) -> Route:
    receiver = node.get("receiver").text or inherited
    return Route(
        receiver,
        _matchers(node, "matchers", "match", "match_re"),
        bool(node.get("continue").data),
        tuple(_route(child, receiver) for child in node.get("routes")),
        node.position,
    )


def _receiver(node: Node) -> Receiver:
    counts = [len(list(value)) for name, value in node.items() if name.endswith("_configs")]
    return Receiver(node.get("name").text, sum(counts), node.position)


def _inhibition(node: Node) -> InhibitRule:
    return InhibitRule(
        _matchers(node, "source_matchers", "source_match", "source_match_re"),
        _matchers(node, "target_matchers", "target_match", "target_match_re"),
        tuple(item.text for item in node.get("equal")),
        node.position,
    )


def _matchers(node: Node, new: str, equal: str, regex: str) -> tuple[LabelMatcher, ...]:
    found: list[LabelMatcher] = []
    for item in node.get(new):
        found += parse_matchers(item.text)
    found += [LabelMatcher(name, "=", value.text) for name, value in node.get(equal).items()]
    found += [LabelMatcher(name, "=~", value.text) for name, value in node.get(regex).items()]
    return tuple(found)
