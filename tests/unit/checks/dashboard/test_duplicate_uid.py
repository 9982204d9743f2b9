"""The check dashboard/duplicate-uid."""

from __future__ import annotations

from tests.unit.checks.subjects import dashboard, messages

ID = "dashboard/duplicate-uid"


def test_two_dashboards_of_one_uid_are_reported() -> None:
    assert messages(ID, dashboard("up"), dashboard("up")) == ["file0 has the uid 'd' too"]
    assert messages(ID, dashboard("up"), dashboard("up", uid="e")) == []


def test_a_uid_beyond_forty_characters_is_refused() -> None:
    assert len(messages(ID, dashboard("up", uid="x" * 41))) == 1
