"""Alert definitions: the data in `alerts/`, with the spec's changes applied."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import jinja2
from pydantic import BaseModel, ConfigDict, Field

from stackctl.compiled_templates import compiled_templates
from stackctl.errors import UsageError
from stackctl.resources import data_dir
from stackctl.spec.quantity import Duration
from stackctl.yaml_data import load_yaml

if TYPE_CHECKING:
    from stackctl.catalogue.links import Links
    from stackctl.spec.monitoring import RuleOverride

_NAMED = re.compile(r"\[\[ (\w+)( \| percent)? \]\]")
Severity = Literal["none", "info", "warning", "critical"]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class BurnWindow(_Data):
    """A pair of windows over which something must burn `factor` times too fast: the long one says that it matters,
    the short one that it still goes on. Source: Google, "The Site Reliability Workbook", chapter 5."""

    factor: float
    long: Duration
    short: Duration


class AlertDefinition(_Data):
    """One alert as a person wrote it; `[[ ]]` holds what the spec may change.

    `labels` are those the alert's series carry, `stackctl_test` aside; `dashboard` is the uid of the one to look at.
    `lookback` is how far back the expression looks where no window says so. `possible` is a condition on each window
    that an unreachable threshold breaks.
    """

    name: str
    expr: str
    labels: tuple[str, ...] = ()
    threshold: float | None = None
    threshold_unit: str = ""
    floor: float | None = None
    floor_unit: str = ""
    windows: tuple[BurnWindow, ...] = ()
    lookback: Duration | None = None
    possible: str = ""
    for_: Duration = Field(alias="for")
    keep_firing_for: Duration | None = None
    severity: Severity
    dashboard: str
    summary: str
    description: str


class AlertGroup(_Data):
    """A file of `alerts/`: the signals it records, and the alerts that stand on them."""

    group: str
    signals: tuple[str, ...]
    alerts: tuple[AlertDefinition, ...]

    @property
    def file(self) -> str:
        """The rule file's name in the bundle."""
        return f"{self.group.removeprefix('llm-')}.yml"


@dataclass(frozen=True)
class Alert:
    """An alert as it will run. `signals` are those whose records it reads."""

    name: str
    group: str
    expr: str
    threshold: float | None
    threshold_unit: str
    floor: float | None
    floor_unit: str
    windows: tuple[BurnWindow, ...]
    for_: Duration
    keep_firing_for: Duration | None
    labels: dict[str, str]
    series_labels: tuple[str, ...]
    summary: str
    description: str
    runbook_url: str
    dashboard_url: str
    signals: tuple[str, ...] = ()

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
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": self.runbook_url,
                "dashboard_url": self.dashboard_url,
            },
        }


@cache
def load_alert_groups() -> tuple[AlertGroup, ...]:
    """Every alert group that ships with stackctl, in the order of file names."""
    sources = sorted(path for path in data_dir("alerts").glob("*.yaml") if not path.name.endswith(".test.yaml"))
    return tuple(AlertGroup.model_validate(load_yaml(path.read_text(encoding="utf-8"))) for path in sources)


def require_names(names: Sequence[str], alerts: Sequence[Alert]) -> None:
    """Raise UsageError for a name that none of the enabled alerts has."""
    known = [alert.name for alert in alerts]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"did you mean '{near[0]}'?" if near else "see `stackctl alerts list`"
            raise UsageError(f"no enabled alert is named '{name}'", remedy=remedy)


def make_alert(
    definition: AlertDefinition,
    group: str,
    override: "RuleOverride",
    windows: tuple[BurnWindow, ...],
    links: "Links",
    heartbeat: str,
) -> Alert:
    """The alert with the spec's changes and the windows that fit the retention."""
    threshold = definition.threshold if override.threshold is None else override.threshold
    floor = definition.floor if override.floor is None else override.floor
    values = {"threshold": threshold, "floor": floor, "windows": windows, "heartbeat": heartbeat}
    return Alert(
        name=definition.name,
        group=group,
        expr=_fill(definition.expr, values),
        threshold=threshold,
        threshold_unit=definition.threshold_unit,
        floor=floor,
        floor_unit=definition.floor_unit,
        windows=windows,
        for_=override.for_ or definition.for_,
        keep_firing_for=definition.keep_firing_for,
        labels={"severity": override.severity or definition.severity} | override.labels,
        series_labels=definition.labels,
        summary=_fill(definition.summary, values),
        description=_fill(definition.description, values),
        runbook_url=links.runbook(definition.name),
        dashboard_url=links.dashboard(definition.dashboard, definition.labels),
    )


def impossible(definition: AlertDefinition, threshold: float | None) -> BurnWindow | None:
    """The first window that could never be over its limit with this threshold."""
    if not definition.possible:
        return None
    condition = _environment().compile_expression(definition.possible)
    return next((w for w in definition.windows if not condition(factor=w.factor, threshold=threshold)), None)


@cache
def _environment() -> jinja2.Environment:
    # Alert texts hold Prometheus' own {{ }}, hence other delimiters.
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda text: text),
        bytecode_cache=compiled_templates(__file__),
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_plain,
        autoescape=False,  # noqa: S701 the output is YAML and PromQL, never HTML
    )
    environment.filters["percent"] = _percent
    environment.filters["range"] = lambda duration: f"[{duration}]"
    environment.globals["grew"] = _grew
    return environment


def _grew(record: str, by: list[str], window: str, threshold: float) -> str:
    """That a counter grew by more than `threshold`: increase() cannot see the first value of a series that is born
    with its first event, so a series that was not there a window ago counts with its whole value."""
    labels = ", ".join([*by, "stackctl_test"])
    limit = _plain(threshold)
    return (
        f"sum by ({labels}) (increase({record}[{window}])) > {limit}\n"
        f"or (\n"
        f"  sum by ({labels}) ({record} unless {record} offset {window}) > {limit}\n"
        f'  and on () up{{job="gateway"}} offset {window} == 1\n'
        f")"
    )


def _plain(value: Any) -> Any:
    """Numbers as a person writes them: 30, not 30.0, and 0.072, not 0.07200000000000001."""
    return f"{value:.10g}" if isinstance(value, float) else value


def _percent(share: float) -> str:
    return f"{share * 100:g} %"


def _fill(text: str, values: dict[str, Any]) -> str:
    # Compiling a template takes a millisecond, and most of the hundred texts do no more than name a value.
    named = _NAMED.sub(lambda match: str((_percent if match[2] else _plain)(values[match[1]])), text)
    if "[[" not in named and "[%" not in named:
        return named.strip()
    return _environment().get_template(text.strip()).render(values).strip()
