"""The check dashboard/datasource."""

from __future__ import annotations

from tests.unit.checks.subjects import dashboard, messages

ID = "dashboard/datasource"


def test_a_panel_bound_to_one_data_source_is_reported() -> None:
    bound = {"type": "prometheus", "uid": "PBFA97CFB590B2093"}
    assert len(messages(ID, dashboard("up", datasource=bound))) == 1
    assert len(messages(ID, dashboard("up", datasource="${other}"))) == 1


def test_variables_inputs_and_grafanas_own_sources_are_fine() -> None:
    assert messages(ID, dashboard("up")) == []
    assert messages(ID, dashboard("up", datasource={"uid": "-- Mixed --"})) == []
    exported = dashboard("up", datasource="${DS_PROMETHEUS}").replace(
        '"uid": "d"', '"uid": "d", "__inputs": [{"name": "DS_PROMETHEUS"}]'
    )
    assert messages(ID, exported) == []
