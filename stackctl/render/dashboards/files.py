"""What a spec's rules record → the dashboards of its bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackctl.render.dashboards.compiled import both_copies, compiled
from stackctl.render.dashboards.definition import load_definitions
from stackctl.render.dashboards.panels import Context
from stackctl.render.dashboards.supply import Supply, reduced

if TYPE_CHECKING:
    from stackctl.catalogue.rules import LeftOut, RuleSet
    from stackctl.render.dashboards.definition import Definition


@dataclass(frozen=True)
class Dashboards:
    """Path in the bundle → text, and what the engine cannot fill."""

    files: dict[str, str]
    left_out: tuple[LeftOut, ...]


def render_dashboards(rules: RuleSet) -> Dashboards:
    """Every dashboard twice, to be provisioned and to be imported, with the alerts' thresholds in this stack."""
    supply = Supply(rules)
    kept: list[Definition] = []
    left_out: list[LeftOut] = []
    for definition in load_definitions():
        remaining, missing = reduced(definition, supply)
        kept += [remaining] if remaining.rows else []
        left_out += missing
    context = Context({alert.name: alert for alert in rules.alerts}, {one.uid: one.title for one in kept})
    files: dict[str, str] = {}
    for definition in kept:
        provisioned, importable = both_copies(compiled(definition, context))
        files[f"grafana/dashboards/{definition.file_name}"] = provisioned
        files[f"grafana/import/{definition.file_name}"] = importable
    return Dashboards(files, tuple(left_out))
