"""Alert definitions: the data in `alerts/`, with the spec's changes applied."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import jinja2
import yaml
from pydantic import BaseModel, ConfigDict, Field

from stackctl.errors import SpecError, UsageError
from stackctl.resources import data_dir
from stackctl.spec.model import RuleOverride
from stackctl.spec.quantity import Duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.spec import SpecFile

_NO_OVERRIDE = RuleOverride()


class AlertDefinition(BaseModel):
    """One alert as a person wrote it; `[[ ]]` holds what the spec may change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    expr: str
    threshold: float | None = None
    threshold_unit: str = ""
    floor: float | None = None
    floor_unit: str = ""
    for_: Duration = Field(alias="for")
    keep_firing_for: Duration | None = None
    severity: Literal["none", "info", "warning", "critical"]
    summary: str
    description: str


class AlertGroup(BaseModel):
    """A file of `alerts/`: the signals its alerts stand on, and the alerts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: str
    signals: tuple[str, ...]
    alerts: tuple[AlertDefinition, ...]


@dataclass(frozen=True)
class Alert:
    """An alert as it will run."""

    name: str
    group: str
    expr: str
    threshold: float | None
    threshold_unit: str
    for_: Duration
    keep_firing_for: Duration | None
    labels: dict[str, str]
    summary: str
    description: str

    @property
    def severity(self) -> str:
        return self.labels["severity"]

    def rule(self) -> dict[str, Any]:
        """The alert as Prometheus' rule file has it."""
        rule: dict[str, Any] = {"alert": self.name, "expr": self.expr, "for": str(self.for_)}
        if self.keep_firing_for:
            rule["keep_firing_for"] = str(self.keep_firing_for)
        return rule | {
            "labels": self.labels,
            "annotations": {"summary": self.summary, "description": self.description},
        }


@cache
def load_alert_groups() -> tuple[AlertGroup, ...]:
    """Every alert group that ships with stackctl, in the order of file names."""
    sources = sorted(path for path in data_dir("alerts").glob("*.yaml") if not path.name.endswith(".test.yaml"))
    return tuple(AlertGroup.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sources)


def resolve_alerts(source: SpecFile) -> list[Alert]:
    """The enabled alerts with the spec's changes; raises SpecError for a name no alert has."""
    overrides = source.spec.alerts.rules
    groups = load_alert_groups()
    known = [definition.name for group in groups for definition in group.alerts]
    faults = [_unknown(source, name, known) for name in overrides if name not in known]
    if faults:
        raise SpecError(faults)
    return [
        _apply(definition, group.group, overrides.get(definition.name, _NO_OVERRIDE))
        for group in groups
        for definition in group.alerts
        if overrides.get(definition.name, _NO_OVERRIDE).enabled
    ]


def require_names(names: Sequence[str], alerts: Sequence[Alert]) -> None:
    """Raise UsageError for a name that none of the enabled alerts has."""
    known = [alert.name for alert in alerts]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"did you mean '{near[0]}'?" if near else "see `stackctl alerts list`"
            raise UsageError(f"no enabled alert is named '{name}'", remedy=remedy)


def _unknown(source: SpecFile, name: str, known: list[str]) -> Any:
    near = difflib.get_close_matches(name, known, n=1)
    remedy = f"did you mean '{near[0]}'?" if near else f"known alerts: {', '.join(known)}"
    return source.problem("spec/unknown-alert", f"no alert is named '{name}'", ("alerts", "rules", name), remedy)


def _apply(definition: AlertDefinition, group: str, override: RuleOverride) -> Alert:
    threshold = definition.threshold if override.threshold is None else override.threshold
    values = {"threshold": _number(threshold), "floor": _number(definition.floor)}
    return Alert(
        name=definition.name,
        group=group,
        expr=_fill(definition.expr, values),
        threshold=threshold,
        threshold_unit=definition.threshold_unit,
        for_=override.for_ or definition.for_,
        keep_firing_for=definition.keep_firing_for,
        labels={"severity": override.severity or definition.severity} | override.labels,
        summary=_fill(definition.summary, values),
        description=_fill(definition.description, values),
    )


def _number(value: float | None) -> int | float | None:
    return int(value) if value is not None and float(value).is_integer() else value


@cache
def _environment() -> jinja2.Environment:
    # Alert texts hold Prometheus' own {{ }}, hence other delimiters.
    environment = jinja2.Environment(
        variable_start_string="[[",
        variable_end_string="]]",
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 the output is YAML and PromQL, never HTML
    )
    environment.filters["percent"] = lambda share: f"{share * 100:g} %"
    return environment


def _fill(text: str, values: dict[str, Any]) -> str:
    return _environment().from_string(text.strip()).render(values)
