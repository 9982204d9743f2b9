"""The check dashboard/no-description."""

from __future__ import annotations

from tests.unit.checks.subjects import dashboard, messages

ID = "dashboard/no-description"


def test_a_panel_without_a_description_is_remarked_on() -> None:
    assert messages(ID, dashboard("up", description=" ")) == ["the panel has no description"]
    assert messages(ID, dashboard("up")) == []
    assert messages(ID, dashboard("up", description="", targets=[])) == []
