"""Signals: what an engine's series mean, as recording rules with canonical labels."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

TEST_LABEL = "stackctl_test"


class TestLabel(BaseModel):
    """How the id of a proof is cut out of another label."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    __test__ = False

    source: str
    pattern: str

    def wrap(self, expr: str) -> str:
        return f'label_replace({expr}, "{TEST_LABEL}", "$1", "{self.source}", "{self.pattern}")'


class Signal(BaseModel):
    """One engine series as a recording rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    record: str
    by: tuple[str, ...]
    aggregate: Literal["sum", "min", "max"] = "sum"
    expr: str


class Signals(BaseModel):
    """All signals an engine can supply."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: str
    test_label: tuple[TestLabel, ...] = ()
    signals: dict[str, Signal] = Field(default_factory=dict)

    def recording_rule(self, name: str) -> dict[str, str]:
        """The Prometheus recording rule of one signal; raises KeyError if the engine cannot supply it."""
        signal = self.signals[name]
        expr = signal.expr
        for rule in self.test_label:
            expr = rule.wrap(expr)
        labels = ", ".join((*signal.by, TEST_LABEL))
        return {"record": signal.record, "expr": f"{signal.aggregate} by ({labels}) (\n  {expr}\n)"}


@cache
def load_signals(engine: str) -> Signals:
    """The signals of an engine, from the data file of that name beside this module."""
    text = (files(__package__) / f"{engine}.yaml").read_text(encoding="utf-8")
    return Signals.model_validate(yaml.safe_load(text))
