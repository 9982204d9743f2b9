"""The check promql/dead-match."""

from __future__ import annotations

from tests.unit.checks.subjects import alert, found, messages, record, subject

ID = "promql/dead-match"


OWN = """
metrics:
  - {name: e_total, type: counter, labels: [error_type, provider]}
  - {name: r_total, type: counter, labels: [model, team]}
  - {name: limit, type: gauge, labels: [provider, region]}
"""


def test_sides_grouped_by_a_label_only_one_has_never_meet() -> None:
    expr = "sum(rate(e_total[5m])) by (provider)\n/ sum(rate(r_total[5m])) by (provider)\n> 0.05"
    (problem,) = found(ID, subject(alert(expr), own=OWN))
    assert "every series on the left has the label provider" in problem.message


def test_without_on_every_label_must_be_shared() -> None:
    assert len(messages(ID, alert("e_total / limit > 1"), own=OWN)) == 1
    assert messages(ID, alert("sum by (provider) (e_total) / on (provider) group_left () limit > 1"), own=OWN) == []
    assert messages(ID, alert("e_total / ignoring (error_type, region) limit > 1"), own=OWN) == []


def test_label_replace_and_label_join_can_supply_the_shared_label() -> None:
    made = 'sum by (provider) (label_replace(r_total, "provider", "$1", "model", "(.+)"))'
    assert messages(ID, alert(f"sum by (provider) (e_total) / {made} > 1"), own=OWN) == []
    joined = 'sum by (provider) (label_join(r_total, "provider", "-", "model", "team"))'
    assert messages(ID, alert(f"sum by (provider) (e_total) / {joined} > 1"), own=OWN) == []


def test_recording_rules_are_resolved_to_the_labels_they_keep() -> None:
    rule = record("sum by (error_type) (rate(e_total[5m]))", "x:e:rate5m")
    assert len(messages(ID, rule, alert("x:e:rate5m / sum by (provider) (limit) > 1"), own=OWN)) == 1


def test_contradicting_values_never_meet() -> None:
    assert len(messages(ID, alert('up{job="a"} and on (job) up{job="b"}'), own=OWN)) == 1
    assert messages(ID, alert('up{job="a"} and on () up{job="b"}'), own=OWN) == []


def test_unless_with_a_dead_right_side_leaves_nothing_out() -> None:
    (problem,) = found(ID, subject(alert("sum by (provider) (e_total) unless sum by (model) (r_total)"), own=OWN))
    assert problem.message.startswith("`unless` leaves nothing out")
