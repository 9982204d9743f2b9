"""The check rule/group-interval."""

from __future__ import annotations

from tests.unit.checks.subjects import alert, messages

ID = "rule/group-interval"


def test_a_group_that_runs_less_often_than_queries_look_back_is_reported() -> None:
    text = alert("up == 0").replace("- name: g", "- name: g\n  interval: {}")
    assert messages(ID, text.format("10m")) == ["the group runs every 10m"]
    assert messages(ID, text.format("5m")) == []
    assert messages(ID, alert("up == 0")) == []
