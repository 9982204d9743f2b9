"""From a spec to every rule that will run, and to what is left out and why."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from stackctl.catalogue.alerts import impossible, load_alert_groups, make_alert
from stackctl.catalogue.links import links_of
from stackctl.catalogue.load import line_of
from stackctl.catalogue.promql import selectors
from stackctl.catalogue.signals import load_signals
from stackctl.errors import SpecError, UsageError
from stackctl.spec.monitoring import RuleOverride

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackctl.catalogue.alerts import Alert, AlertDefinition, AlertGroup, BurnWindow
    from stackctl.catalogue.signals import Recording, SignalSet
    from stackctl.problem import Problem
    from stackctl.spec import Spec, SpecFile

OTHER_SIGNALS = "llm-signals"
"""The group of signals that no alert stands on: dashboards read them."""
_NO_OVERRIDE = RuleOverride.defaults()


@dataclass(frozen=True)
class LeftOut:
    """Something that is not rendered, and why."""

    kind: Literal["signal", "alert", "panel", "file"]
    name: str
    reason: str

    def as_json(self) -> dict[str, str]:
        return {"kind": self.kind, "name": self.name, "reason": self.reason}


@dataclass(frozen=True)
class RuleGroup:
    """One rule file: signals are recorded just before the alerts that stand on them, so that both see one scrape."""

    name: str
    file: str
    recordings: tuple[Recording, ...]
    alerts: tuple[Alert, ...]

    def as_yaml(self) -> dict[str, Any]:
        """The group as Prometheus' rule file has it."""
        rules: list[dict[str, Any]] = [dict(recording.rule()) for recording in self.recordings]
        return {"groups": [{"name": self.name, "rules": rules + [alert.rule() for alert in self.alerts]}]}


@dataclass(frozen=True)
class RuleSet:
    """Everything Prometheus evaluates for one spec."""

    line: str
    signals: SignalSet
    groups: tuple[RuleGroup, ...]
    left_out: tuple[LeftOut, ...]

    @cached_property
    def alerts(self) -> list[Alert]:
        """All alerts that will run."""
        return [alert for group in self.groups for alert in group.alerts]

    @cached_property
    def records(self) -> Mapping[str, Recording]:
        """Every recording rule by the name it records."""
        return {recording.record: recording for group in self.groups for recording in group.recordings}


def catalogue_line(spec: Spec) -> str:
    """The catalogue line of the spec's engine; raises UsageError for a LiteLLM older than every line."""
    return line_of(spec.gateway.engine, spec.gateway.version)


def resolve_rules(source: SpecFile) -> RuleSet:
    """All recording and alerting rules of a spec.

    Raises SpecError for an alert name that does not exist, a threshold that cannot be reached and an engine version
    without a catalogue.
    """
    try:
        line = catalogue_line(source.spec)
    except UsageError as error:
        problem = source.problem("spec/unknown-version", error.message, ("gateway", "version"), error.remedy)
        raise SpecError([problem]) from None
    if faults := _faults(source):
        raise SpecError(faults)
    signals = load_signals(line)
    left_out = [LeftOut("signal", name, reason) for name, reason in signals.unsupported.items()]
    groups = [_group(source.spec, group, signals, left_out) for group in load_alert_groups()]
    owned = {name for group in load_alert_groups() for name in group.signals}
    others = [record for name, records in signals.supported.items() if name not in owned for record in records]
    groups.append(RuleGroup(OTHER_SIGNALS, "signals.yml", tuple(others), ()))
    return RuleSet(line, signals, tuple(g for g in groups if g.recordings or g.alerts), tuple(left_out))


def resolve_alerts(source: SpecFile) -> list[Alert]:
    """The alerts that will run; raises SpecError like resolve_rules."""
    return resolve_rules(source).alerts


def _group(spec: Spec, group: AlertGroup, signals: SignalSet, left_out: list[LeftOut]) -> RuleGroup:
    recordings = [record for name in group.signals for record in signals.supported.get(name, ())]
    alerts = []
    for definition in group.alerts:
        alert = _alert(spec, definition, group.group, signals)
        if isinstance(alert, str):
            left_out.append(LeftOut("alert", definition.name, alert))
        else:
            alerts.append(alert)
    return RuleGroup(group.group, group.file, tuple(recordings), tuple(alerts))


def _alert(spec: Spec, definition: AlertDefinition, group: str, signals: SignalSet) -> Alert | str:
    """The alert, or why it is left out."""
    override = spec.alerts.rules.get(definition.name, _NO_OVERRIDE)
    if not override.enabled:
        return "switched off in the spec"
    retention = spec.prometheus.retention
    windows = tuple(w for w in definition.windows if w.long.milliseconds <= retention.milliseconds)
    longest = definition.lookback
    if (definition.windows and not windows) or (longest and longest.milliseconds > retention.milliseconds):
        return f"it looks further back than the retention of {retention}"
    alert = make_alert(definition, group, override, windows, links_of(spec), signals.heartbeat)
    used = dict.fromkeys(
        signals.signal_of_record[s.metric] for s in selectors(alert.expr) if s.metric.startswith("llm:")
    )
    for name in used:
        if name in signals.unsupported:
            return f"it needs the signal {name}: {signals.unsupported[name]}"
    return replace(alert, signals=tuple(used))


def _faults(source: SpecFile) -> list[Problem]:
    definitions = {d.name: d for group in load_alert_groups() for d in group.alerts}
    found = []
    for name, override in source.spec.alerts.rules.items():
        if name not in definitions:
            found.append(_unknown(source, name, list(definitions)))
        elif override.threshold is not None and (window := impossible(definitions[name], override.threshold)):
            found.append(_unreachable(source, name, window))
    return found


def _unknown(source: SpecFile, name: str, known: list[str]) -> Problem:
    near = difflib.get_close_matches(name, known, n=1)
    remedy = f"did you mean '{near[0]}'?" if near else f"known alerts: {', '.join(known)}"
    return source.problem("spec/unknown-alert", f"no alert is named '{name}'", ("alerts", "rules", name), remedy)


def _unreachable(source: SpecFile, name: str, window: BurnWindow) -> Problem:
    message = f"with this threshold a burn of {window.factor:g} times is impossible, so {name} could never fire"
    return source.problem("spec/unreachable", message, ("alerts", "rules", name, "threshold"), "choose a stricter one")
