"""The check promql/beyond-retention."""

from __future__ import annotations

from tests.unit.checks.subjects import PROMETHEUS, alert, dashboard, messages

ID = "promql/beyond-retention"


KEPT = PROMETHEUS + "storage: {tsdb: {retention: {time: 7d}}}\n"


def test_ranges_offsets_and_subqueries_beyond_the_retention_are_reported() -> None:
    for expr in (
        "increase(litellm_errors_total[30d]) > 1",
        "increase(litellm_errors_total[4d] offset 4d) > 1",
        "max_over_time(rate(litellm_errors_total[1d])[7d:1h]) > 1",
    ):
        assert len(messages(ID, alert(expr), KEPT)) == 1, expr


def test_what_fits_is_fine() -> None:
    assert messages(ID, alert("increase(litellm_errors_total[3d] offset 4d) > 1"), KEPT) == []


def test_without_a_setting_prometheus_keeps_fifteen_days() -> None:
    assert messages(ID, alert("increase(litellm_errors_total[14d]) > 1")) == []
    assert len(messages(ID, alert("increase(litellm_errors_total[16d]) > 1"))) == 1


def test_the_dashboards_own_range_is_the_users_business() -> None:
    assert messages(ID, dashboard("increase(litellm_errors_total[$__range])"), KEPT) == []
