"""Alertmanager's routing of an alert, some of whose label values are not known before it fires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from stackctl.artefacts import Route
    from stackctl.artefacts.matchers import LabelMatcher
    from stackctl.checks.subject import Expression


@dataclass(frozen=True)
class AlertLabels:
    """Labels with known values, those sure to have some value, and those that may have one (None: any)."""

    fixed: Mapping[str, str]
    certain: frozenset[str] = frozenset()
    possible: frozenset[str] | None = frozenset()

    def verdict(self, matcher: LabelMatcher) -> bool | None:
        """Whether a matcher passes; None if that depends on a value nobody knows yet."""
        if matcher.name in self.fixed:
            return matcher.matches(self.fixed[matcher.name])
        if self.possible is not None and matcher.name not in self.possible:
            return matcher.matches("")
        if matcher.name in self.certain and matcher.value == "" and matcher.op in ("=", "!="):
            return matcher.op == "!="
        return None

    def all(self, matchers: Iterable[LabelMatcher]) -> bool | None:
        """Whether all matchers pass, in the same three values."""
        verdicts = [self.verdict(matcher) for matcher in matchers]
        if False in verdicts:
            return False
        return None if None in verdicts else True


def labels_of(item: Expression, external: Mapping[str, str]) -> AlertLabels:
    """The labels an alert reaches Alertmanager with: result, rule, external."""
    rule, result = item.rule, item.result
    assert rule is not None  # noqa: S101 an alert's expression has its rule
    static = {name: text.text for name, text in rule.labels.items() if "{{" not in text.text}
    templated = frozenset(rule.labels) - frozenset(static)
    fixed = {**external, **result.fixed, **static, "alertname": rule.name}
    possible = None if result.possible is None else result.possible | templated | frozenset(fixed)
    return AlertLabels(fixed, result.certain | frozenset(fixed), possible)


def receivers_of(root: Route, labels: Mapping[str, str]) -> list[str]:
    """The receivers of an alert all of whose labels are known, as `amtool config routes test` prints them."""
    known = AlertLabels(labels, frozenset(labels), frozenset(labels))
    return [route.receiver for route, _ in reachable(root, known)]


def reachable(root: Route, labels: AlertLabels) -> list[tuple[Route, bool]]:
    """The routes an alert ends at, each with whether it certainly does (depth first, as Alertmanager walks).

    Source: https://github.com/prometheus/alertmanager/blob/main/dispatch/route.go, Route.Match.
    """
    return list(_walk(root, labels, certain=True))


def _walk(route: Route, labels: AlertLabels, *, certain: bool) -> Iterator[tuple[Route, bool]]:
    stopped: bool | None = False
    found = []
    for child in route.routes:
        passes = labels.all(child.matchers)
        if passes is False:
            continue
        below = list(_walk(child, labels, certain=certain and passes is True and stopped is False))
        found += below
        if not child.continues:
            stopped = True if passes else None
            if passes:
                break
    yield from found
    if not any(sure for _, sure in found) and stopped is not True and not _surely_taken(route, labels):
        yield route, certain and not found


def _surely_taken(route: Route, labels: AlertLabels) -> bool:
    return any(labels.all(child.matchers) is True for child in route.routes)
