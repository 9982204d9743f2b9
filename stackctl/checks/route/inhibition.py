"""An inhibition rule that mutes everything, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.route.walk import AlertLabels, labels_of
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stackctl.artefacts import InhibitRule
    from stackctl.artefacts.matchers import LabelMatcher
    from stackctl.checks.subject import Subject
    from stackctl.problem import Problem

CHECK = Check(
    "route/inhibition",
    Severity.WARNING,
    "A missing label equals an empty one: without shared labels one alert mutes every other, of other teams too; "
    "with a label only one side has, it mutes none.",
)


def examine(subject: Subject) -> Iterator[Problem]:
    """Each inhibition rule against the alerts that can match its two sides."""
    config = subject.artefacts.alertmanager
    if config is None or not subject.alerts:
        return
    external = subject.artefacts.prometheus.external_labels if subject.artefacts.prometheus else {}
    alerts = [labels_of(item, external) for item in subject.alerts]
    for rule in config.inhibitions:
        sources, targets = _matching(alerts, rule.source), _matching(alerts, rule.target)
        if not sources or not targets:
            side = "source" if not sources else "target"
            yield CHECK.problem(
                f"no alert matches the {side} of this inhibition rule", rule.position, remedy="correct its matchers"
            )
            continue
        yield from _equal(rule, sources, targets)
        yield from _phantoms(rule, {labels.fixed["alertname"] for labels in alerts} | subject.known_alerts)


def _matching(alerts: Iterable[AlertLabels], matchers: Iterable[LabelMatcher]) -> list[AlertLabels]:
    matchers = tuple(matchers)
    return [labels for labels in alerts if labels.all(matchers) is not False]


def _equal(rule: InhibitRule, sources: list[AlertLabels], targets: list[AlertLabels]) -> Iterator[Problem]:
    nowhere = [label for label in rule.equal if not any(_may_have(item, label) for item in (*sources, *targets))]
    if nowhere and len(nowhere) == len(rule.equal):
        yield CHECK.problem(
            f"none of the equal labels exists on these alerts: {', '.join(nowhere)}",
            rule.position,
            severity=Severity.ERROR,
            remedy="name a label that both sides carry",
        )
    elif nowhere:
        yield CHECK.problem(
            f"no alert here has the equal label {', '.join(nowhere)}", rule.position, remedy="leave it out"
        )
    for label in rule.equal:
        if _one_sided(label, sources, targets) or _one_sided(label, targets, sources):
            yield CHECK.problem(
                f"the equal label {label} is on one side only, so nothing is ever muted",
                rule.position,
                remedy="name a label that both sides carry",
            )


def _phantoms(rule: InhibitRule, names: frozenset[str] | set[str]) -> Iterator[Problem]:
    """Alert names in the matchers that no alert has, beside others that exist."""
    for matcher in (*rule.source, *rule.target):
        if matcher.name != "alertname" or matcher.op not in ("=", "=~"):
            continue
        for name in matcher.value.split("|"):
            if name.isidentifier() and name not in names:
                yield CHECK.problem(
                    f"no alert is named {name}",
                    rule.position,
                    severity=Severity.INFO,
                    remedy="correct or drop the name",
                    consequence="Nothing, unless the name was misspelt: then an alert is not muted that should be.",
                )


def _may_have(labels: AlertLabels, label: str) -> bool:
    return labels.possible is None or label in labels.possible


def _one_sided(label: str, having: list[AlertLabels], lacking: list[AlertLabels]) -> bool:
    return all(label in item.certain for item in having) and not any(_may_have(item, label) for item in lacking)
