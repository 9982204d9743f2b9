"""The check dashboard/no-unit."""

from __future__ import annotations

from tests.unit.checks.subjects import dashboard, messages

ID = "dashboard/no-unit"


def test_a_graph_without_a_unit_is_reported_and_a_table_is_not() -> None:
    assert messages(ID, dashboard("up", fieldConfig={})) == ["the panel has no unit"]
    assert messages(ID, dashboard("up", fieldConfig={}, type="table")) == []
    assert messages(ID, dashboard("up")) == []
