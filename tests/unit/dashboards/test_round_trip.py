"""Grafana's own models read every dashboard and give back every field: none is misspelt or misplaced."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest

from tests.unit.dashboards.bundles import ENGINES, dashboards

with warnings.catch_warnings():
    # The models of schema v1 are marked as superseded by v2, which Grafana 11 cannot read.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

register_default_plugins()


def lost(before: Any, after: Any, path: str = "") -> list[str]:
    """The paths at which `after` does not hold what `before` holds."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            fault
            for key, value in before.items()
            for fault in (lost(value, after[key], f"{path}.{key}") if key in after else [f"{path}.{key}"])
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            fault for i, pair in enumerate(zip(before, after, strict=True)) for fault in lost(*pair, f"{path}[{i}]")
        ]
    return [] if before == after else [path]


def there_and_back(dashboard: dict[str, Any]) -> Any:
    return json.loads(json.dumps(Dashboard.from_json(json.loads(json.dumps(dashboard))), cls=JSONEncoder))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("uid", sorted(dashboards()))
def test_no_field_is_lost(engine: str, uid: str) -> None:
    dashboard = dashboards(engine)[uid]
    assert lost(dashboard, there_and_back(dashboard)) == []


def test_a_misspelt_field_would_be_noticed() -> None:
    dashboard = dashboards()["stackctl-errors"]
    dashboard["panels"][1]["options"]["legend"]["placment"] = "bottom"
    dashboard["panels"][1]["gridPosition"] = {}
    assert lost(dashboard, there_and_back(dashboard)) == [
        ".panels[1].options.legend.placment",
        ".panels[1].gridPosition",
    ]
