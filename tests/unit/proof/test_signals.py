"""What counts as crossed, and the parsing of the pages it is read from."""

from __future__ import annotations

import pytest

from stackctl.proof.drivers import entry_for, key_settings, registry
from stackctl.proof.observe.alertmanager import parse_counts
from stackctl.proof.observe.metrics import sum_for_key
from stackctl.proof.observe.prometheus import Target
from stackctl.proof.signals import Signal

BUDGET = Signal("spent", 0.8, relative_to="limit")


@pytest.mark.parametrize(
    ("spent", "limit", "crossed"),
    [(0.016, 0.02, True), (0.0159, 0.02, False), (None, 0.02, False), (0.016, None, False), (0.016, 0, False)],
)
def test_a_ratio_is_crossed_at_its_threshold_and_never_without_its_base(
    spent: float | None, limit: float | None, crossed: bool
) -> None:
    assert BUDGET.crossed(BUDGET.value(spent, limit)) is crossed


def test_a_falling_signal_is_crossed_from_above() -> None:
    headroom = Signal("remaining", 0.2, relative_to="limit", falling=True)
    assert headroom.crossed(headroom.value(0, 20))
    assert not headroom.crossed(headroom.value(5, 20))


def test_series_of_one_key_are_summed_and_others_left_out() -> None:
    page = (
        "# TYPE m_total counter\n"
        'm_total{key="stackctl-test-1",model="a"} 2\nm_total{key="stackctl-test-1",model="b"} 3\n'
        'm_total{key="stackctl-test-12"} 50\nm_total_other{key="stackctl-test-1"} 7\n'
    )
    assert sum_for_key(page, "m_total", "stackctl-test-1") == 5
    assert sum_for_key(page, "m_total", "stackctl-test-9") is None


def test_alertmanagers_counters_are_read_for_one_integration() -> None:
    page = "\n".join(
        [
            'alertmanager_notification_latency_seconds_count{integration="slack"} 5',
            'alertmanager_notification_requests_failed_total{integration="slack"} 2',
            'alertmanager_notifications_failed_total{integration="slack",reason="authError"} 1',
            'alertmanager_notifications_failed_total{integration="slack",reason="other"} 0',
            'alertmanager_notifications_failed_total{integration="webhook"} 9',
            "",
        ]
    )
    counts = parse_counts(page, "slack")
    assert (counts.delivered, counts.failed, counts.reasons) == (3, 1, ("authError",))
    assert parse_counts("", "slack").delivered == 0


@pytest.mark.parametrize(
    ("url", "serves"),
    [("http://127.0.0.1:4000", True), ("http://localhost:4000", True), ("http://127.0.0.1:4001", False)],
)
def test_a_target_is_known_by_host_and_port_and_loopback_has_many_names(url: str, serves: bool) -> None:
    target = Target("http://localhost:4000/metrics", "gateway", "up", "", 15)
    assert target.serves(url) is serves


def test_the_registry_is_complete_and_the_specs_threshold_wins() -> None:
    assert all(entry.reason for entry in registry().values() if entry.driver == "inject")
    assert entry_for("LitellmKeyBudget80", {}).threshold == 0.8
    assert entry_for("LitellmKeyBudget80", {"LitellmKeyBudget80": 0.7}).threshold == 0.7
    assert entry_for("Unheard", {}).driver == "inject"


def test_only_what_a_test_is_about_is_limited() -> None:
    assert key_settings(entry_for("LitellmKeyBudget80", {}), 0.02).max_budget == 0.02
    assert key_settings(entry_for("LitellmHighP99Latency", {}), 0.02).max_budget is None
    assert key_settings(entry_for("LitellmRateLimitHeadroom", {}), 0.02).rpm_limit
