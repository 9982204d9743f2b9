"""The tests of one alert, and the files promtool reads."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackctl.catalogue.load import load_catalogue
from stackctl.render.rule_tests.feed import Feed
from stackctl.render.rule_tests.scenario import Input, Phase, Scenario, scenarios
from stackctl.render.yaml_text import to_yaml
from stackctl.spec.quantity import Duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackctl.catalogue.alerts import Alert
    from stackctl.catalogue.rules import RuleGroup, RuleSet
    from stackctl.render.rule_tests.scenario import Expectation, Expression
    from stackctl.spec import Spec

_NEVER_S = 1_000_000_000
_STEP = Duration("30s")
"""Coarser than a scrape, so that promtool is done in seconds; every window still holds ten samples."""
_VOLUME = 60.0
_UP = Input(input="up", value=1)


def rule_test_files(spec: Spec, rules: RuleSet) -> dict[str, str]:
    """File name → promtool test file. Alerts that need long stretches of time are in files of a longer step."""
    files: dict[str, str] = {}
    for group in rules.groups:
        for step, tests in _by_step(spec, rules, group).items():
            name = f"{group.file.removesuffix('.yml')}-{step}.yml"
            files[name] = to_yaml(
                {"rule_files": [f"../rules/{group.file}"], "evaluation_interval": str(step), "tests": tests}
            )
    return files


def _by_step(spec: Spec, rules: RuleSet, group: RuleGroup) -> Mapping[Duration, list[dict[str, Any]]]:
    found: dict[Duration, list[dict[str, Any]]] = {}
    for alert in group.alerts:
        scenario = scenarios()[alert.name]
        slower = max(spec.prometheus.evaluation, spec.prometheus.scrape_interval, _STEP, key=lambda d: d.seconds)
        step = Duration(scenario.step) if scenario.step else slower
        maker = _Maker(alert, scenario, Feed(load_catalogue(rules.line), step.seconds, {}), str(step))
        found.setdefault(step, []).extend(maker.tests())
    return found


@dataclass(frozen=True)
class _Maker:
    """Makes all tests of one alert."""

    alert: Alert
    scenario: Scenario
    feed: Feed
    interval: str

    def tests(self) -> Iterator[dict[str, Any]]:
        s, settled, forgotten = self.scenario, self._settled, self._forgotten
        for level in s.over:
            firing: dict[float, Expectation] = {**self._pending(), settled: "fires"}
            yield self._test("fires", [Phase(level=level, minutes=settled)], firing)
        for level in s.under:
            yield self._test(
                "is silent just below",
                [Phase(level=level, minutes=settled)],
                {settled / 2: "silent", settled: "silent"},
            )
        if s.zero:
            phases = [Phase(level=s.idle, minutes=settled)]
            yield self._test("is silent at zero traffic", phases, {settled: "silent"}, volume=0.0)
        absent: dict[float, Expectation] = {settled: s.absent}
        yield self._test("without any series", [Phase(absent=True, minutes=settled)], absent, inputs=())
        if s.resolves and s.under:
            calm = s.under[0] if s.calm is None else s.calm
            phases = [Phase(level=s.over[0], minutes=settled), Phase(level=calm, minutes=forgotten)]
            last = settled - self.feed.step_s / 60
            yield self._test("resolves", phases, {last: "fires", settled + forgotten: "silent"})
        if self.alert.floor and s.over:
            few = 0.8 * self.alert.floor / self._minutes(s.floor_over)
            phases = [Phase(level=s.over[0], minutes=settled)]
            yield self._test("is silent below its volume floor", phases, {settled: "silent"}, volume=few)
        yield from self._own_cases()

    def _own_cases(self) -> Iterator[dict[str, Any]]:
        for case in self.scenario.cases:
            end = sum(self._feed().number(phase.minutes) for phase in case.phases)
            yield self._test(
                case.name,
                list(case.phases),
                {end: case.expect},
                inputs=case.inputs,
                alert=case.alert,
                with_up=case.with_up,
                parameters=case.parameters,
            )

    def _pending(self) -> dict[float, Expectation]:
        """Whatever happens from the start on, before `for` has passed nothing may fire."""
        minutes = self.alert.for_.seconds / 60
        return {minutes * 0.9: "silent"} if minutes >= 1 else {}

    def _test(
        self,
        name: str,
        phases: list[Phase],
        expected: Mapping[float, Expectation],
        *,
        inputs: tuple[Input, ...] | None = None,
        alert: dict[str, str] | None = None,
        with_up: bool | None = None,
        volume: float | None = None,
        parameters: Mapping[str, float] | None = None,
    ) -> dict[str, Any]:
        feed = self._feed(volume, parameters)
        span = sum(feed.number(phase.minutes) for phase in phases)
        last = phases[-1].model_copy(update={"minutes": feed.number(phases[-1].minutes) + 1})
        series = feed.series(self.scenario.inputs if inputs is None else inputs, (*phases[:-1], last))
        if self.scenario.with_up if with_up is None else with_up:
            series += feed.series((_UP,), (Phase(level=1, minutes=span + 1),))
        labels = self.scenario.alert if alert is None else alert
        return {
            "name": f"{self.alert.name} {name}",
            "interval": self.interval,
            "input_series": series,
            "promql_expr_test": [self._expectation(at, what, labels) for at, what in sorted(expected.items())],
        }

    def _expectation(self, minutes: float, what: Expectation, labels: Mapping[str, str]) -> dict[str, Any]:
        severity = self.alert.severity
        by = ", ".join(("severity", *labels))
        found = {
            "expr": f'count by ({by}) (ALERTS{{alertname="{self.alert.name}",alertstate="firing"}})',
            "eval_time": f"{int(minutes * 60 // self.feed.step_s * self.feed.step_s)}s",
        }
        if what == "silent":
            return found | {"exp_samples": []}
        pairs = ",".join(f"{k}={json.dumps(v)}" for k, v in {"severity": severity, **labels}.items())
        return found | {"exp_samples": [{"labels": f"{{{pairs}}}", "value": 1}]}

    def _feed(self, volume: float | None = None, parameters: Mapping[str, float] | None = None) -> Feed:
        values = {
            "threshold": self.alert.threshold,
            "windows": self.alert.windows,
            "volume": max(_VOLUME, self.alert.floor or 0) if volume is None else volume,
            "reset_seconds": _NEVER_S,
            **(parameters or {}),
        }
        return Feed(self.feed.catalogue, self.feed.step_s, values)

    @property
    def _settled(self) -> float:
        """Minutes until the alert must be firing: two more samples than its window and its `for` take."""
        return self._steps(self._minutes(self.scenario.settle) + self.alert.for_.seconds / 60 + self._slack)

    @property
    def _forgotten(self) -> float:
        keep = self.alert.keep_firing_for.seconds / 60 if self.alert.keep_firing_for else 0.0
        return self._steps(self._minutes(self.scenario.memory) + keep + self._slack)

    def _steps(self, minutes: float) -> float:
        """Rounded up to a sample: between samples of a long step Prometheus sees nothing."""
        step = self.feed.step_s / 60
        return math.ceil(minutes / step) * step

    @property
    def _slack(self) -> float:
        return max(1.0, 2 * self.feed.step_s / 60)

    def _minutes(self, expression: Expression) -> float:
        """A duration, or an expression of the alert's windows that is one."""
        text = str(expression)
        if text.startswith("windows"):
            index = 0 if "[0]" in text else -1
            window = self.alert.windows[index]
            return (window.long if text.endswith("long") else window.short).seconds / 60
        return Duration(text).seconds / 60
