"""All static checks, found by the one rule that a check's id is its module's place in this package."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from stackctl.checks.check import StaticCheck

STATIC = (
    "promql/syntax",
    "promql/unknown-metric",
    "promql/unknown-label",
    "promql/impossible-value",
    "promql/dead-match",
    "promql/counter-without-rate",
    "promql/rate-of-gauge",
    "promql/short-window",
    "promql/zero-guard",
    "promql/volume-floor",
    "promql/quantile-without-le",
    "promql/bucket-reach",
    "promql/beyond-retention",
    "alert/no-comparison",
    "alert/never-fires",
    "alert/absent-blindness",
    "alert/template",
    "alert/annotations",
    "rule/duplicate",
    "rule/group-interval",
    "route/dead-end",
    "route/inhibition",
    "dashboard/unit",
    "dashboard/no-unit",
    "dashboard/no-description",
    "dashboard/datasource",
    "dashboard/duplicate-uid",
    "dashboard/variable",
    "dashboard/legend",
    "series/budget",
)

LIVE = (
    "live/missing-metric",
    "live/extra-metric",
    "live/label-drift",
    "live/counter-fell",
    "live/no-series",
    "live/empty-panel",
)


@cache
def static_checks() -> tuple[StaticCheck, ...]:
    """Every static check, in the order its findings are made."""
    modules = [import_module(module_of(id_)) for id_ in STATIC]
    return tuple(StaticCheck(module.CHECK, module.examine) for module in modules)


def module_of(id_: str) -> str:
    """promql/dead-match → stackctl.checks.promql.dead_match"""
    return f"stackctl.checks.{id_.replace('/', '.').replace('-', '_')}"
