"""The check dashboard/legend."""

from __future__ import annotations

from tests.unit.checks.subjects import dashboard, messages

ID = "dashboard/legend"


def test_a_legend_of_a_label_that_was_summed_away_is_reported() -> None:
    target = {"refId": "A", "expr": "sum by (model) (litellm_current_load)", "legendFormat": "{{model}} {{ team }}"}
    assert messages(ID, dashboard("up", targets=[target])) == [
        "the legend names the label team, which the query does not return"
    ]
