"""spec → the dashboards of its bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackctl.render.dashboards.compiled import compiled, importable, provisioned
from stackctl.render.dashboards.definition import load_definitions
from stackctl.render.dashboards.panels import Context
from stackctl.render.dashboards.supply import LeftOut, reduced, supplied_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.catalogue.alerts import Alert
    from stackctl.spec import Spec


@dataclass(frozen=True)
class Dashboards:
    """Path in the bundle → text, and what the engine cannot fill."""

    files: dict[str, str]
    left_out: tuple[LeftOut, ...]


def render_dashboards(spec: Spec, alerts: Sequence[Alert]) -> Dashboards:
    """Every dashboard twice, to be provisioned and to be imported, with the alerts' thresholds in this stack."""
    supplied = supplied_by(spec)
    kept, left_out = [], []
    for definition in load_definitions():
        remaining, missing = reduced(definition, supplied)
        kept += [remaining] if remaining.rows else []
        left_out += missing
    context = Context({alert.name: alert for alert in alerts}, {one.uid: one.title for one in kept})
    files: dict[str, str] = {}
    for definition in kept:
        dashboard = compiled(definition, context)
        files[f"grafana/dashboards/{definition.file_name}"] = provisioned(dashboard)
        files[f"grafana/import/{definition.file_name}"] = importable(dashboard)
    return Dashboards(files, tuple(left_out))
