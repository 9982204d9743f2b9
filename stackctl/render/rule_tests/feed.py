"""From what happens to the engine's series that show it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from stackctl.render.rule_tests.scenario import Input, Phase, input_shapes
from stackctl.render.rule_tests.timeline import Stretch, notation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from stackctl.catalogue.metric import Catalogue
    from stackctl.render.rule_tests.scenario import Expression, SeriesShape

_DEFAULT_LABELS = {
    "model": "gpt-4o",
    "team": "backend",
    "key": "ci",
    "provider": "openai",
    "from_model": "gpt-4o",
    "to_model": "claude",
}
_RAW = "raw"
_FUNCTIONS = {"__builtins__": {}, "min": min}


@dataclass(frozen=True)
class Feed:
    """Makes the input series of one test. `values` are the names expressions may use."""

    catalogue: Catalogue
    step_s: float
    values: dict[str, Any]
    edges: tuple[float, ...] = field(default=())

    def number(self, expression: Expression, **more: Any) -> float:
        """The value of an expression."""
        if isinstance(expression, (int, float)):
            return float(expression)
        names = {"above": self._above, "at_most": self._at_most, **self.values, **more}
        return float(eval(_compiled(expression), _FUNCTIONS, names))  # noqa: S307 the package's own data, see below

    def series(self, inputs: tuple[Input, ...], phases: tuple[Phase, ...]) -> list[dict[str, str]]:
        """promtool's input_series."""
        merged = {name: values for item in inputs for name, values in self._of_input(item, phases)}
        return [{"series": name, "values": values} for name, values in merged.items()]

    def _of_input(self, item: Input, phases: tuple[Phase, ...]) -> Iterator[tuple[str, str]]:
        if item.input == _RAW:
            yield item.series, notation(self._stretches(item, phases))
            return
        labels = _DEFAULT_LABELS | item.labels
        for shape in input_shapes(self.catalogue.engine)[item.input]:
            if all(re.fullmatch(pattern, labels.get(label, "")) for label, pattern in shape.when.items()):
                yield from self._of_shape(item, shape, labels, phases)

    def _of_shape(
        self, item: Input, shape: SeriesShape, labels: dict[str, str], phases: tuple[Phase, ...]
    ) -> Iterator[tuple[str, str]]:
        own = {name: _substitute(text, labels) for name, text in shape.labels.items()}
        if shape.histogram:
            yield from self._histogram(item, shape.series, own, phases)
        elif shape.constant:
            value = self.number(shape.constant)
            steady = [Stretch(self._samples(phase), value, absent=phase.absent) for phase in phases]
            yield _selector(shape.series, own), notation(steady)
        else:
            counted = item.model_copy(update={"value": None}) if shape.counts else item
            stretches = self._stretches(counted, phases, moving=shape.moving)
            if shape.infinite:
                stretches = [Stretch(s.samples, math.inf if s.first else 1.0) for s in stretches]
            yield _selector(shape.series, own), notation(stretches, shape.scale, shape.offset)

    def _stretches(self, item: Input, phases: tuple[Phase, ...], *, moving: bool = False) -> list[Stretch]:
        found: list[Stretch] = []
        reached = self.number(item.start)
        for phase in phases:
            samples, level = self._samples(phase), self.number(phase.level)
            if item.value is not None:
                value = self.number(item.value, level=level)
                found.append(Stretch(samples, value, absent=phase.absent, moving=moving))
                continue
            growth = self.number(item.per_minute or 0, level=level) * self.step_s / 60
            if phase.restart:
                reached = 0.0
            if phase.start is not None:
                reached = self.number(phase.start, level=level)
            found.append(Stretch(samples, reached, growth, absent=phase.absent))
            reached += 0 if phase.absent else growth * samples
        return found

    def _histogram(
        self, item: Input, name: str, labels: dict[str, str], phases: tuple[Phase, ...]
    ) -> Iterator[tuple[str, str]]:
        """Cumulative buckets: an observation counts in every bucket whose edge it does not exceed."""
        feed = Feed(self.catalogue, self.step_s, self.values, self.catalogue.metrics[name].buckets)
        observed = [feed._observations(item, phase) for phase in phases]
        for edge in (*feed.edges, math.inf):
            reached, stretches = 0.0, []
            for phase, (samples, seconds, per_step) in zip(phases, observed, strict=True):
                growth = per_step if seconds <= edge else 0.0
                stretches.append(Stretch(samples, reached, growth, absent=phase.absent))
                reached += growth * samples
            le = "+Inf" if math.isinf(edge) else repr(edge)
            yield _selector(f"{name}_bucket", labels | {"le": le}), notation(stretches)

    def _observations(self, item: Input, phase: Phase) -> tuple[int, float, float]:
        """Of a phase: its samples, how long what is observed takes in seconds, and how many are observed per step."""
        level = self.number(phase.level)
        per_minute = self.number(item.per_minute or 0, level=level)
        return self._samples(phase), self.number(item.seconds or 0, level=level), per_minute * self.step_s / 60

    def _samples(self, phase: Phase) -> int:
        return math.ceil(self.number(phase.minutes) * 60 / self.step_s)

    def _above(self, threshold: float) -> float:
        """An observation in the first bucket that begins at or above the threshold."""
        return min((edge for edge in self.edges if edge >= threshold), default=math.inf) * 1.0001

    def _at_most(self, threshold: float) -> float:
        """An observation in the last bucket that ends at or below the threshold."""
        return max((edge for edge in self.edges if edge <= threshold), default=0.0)


@cache
def _compiled(expression: str) -> CodeType:
    """Expressions stand in `alerts/*.test.yaml` and `alerts/inputs/` only, which ship with stackctl."""
    return compile(expression, "<alerts>", "eval")


def _substitute(text: str, labels: dict[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda match: labels.get(match[1], ""), text)


def _selector(name: str, labels: dict[str, str]) -> str:
    pairs = ",".join(f"{label}={json.dumps(value)}" for label, value in labels.items() if value)
    return f"{name}{{{pairs}}}"
