"""The route of a test alert is found as Alertmanager finds it."""

from __future__ import annotations

import pytest

from stackctl.proof.routes import matches, route_for

CONFIG = {
    "route": {
        "receiver": "root",
        "group_wait": "30s",
        "routes": [
            {
                "matchers": ['stackctl_test=~".+-slack"'],
                "receiver": "slack",
                "group_wait": "1s",
                "group_interval": "5s",
            },
            {"matchers": ['stackctl_test!=""'], "receiver": "inbox", "group_wait": "2s"},
            {
                "match": {"severity": "critical"},
                "routes": [{"match_re": {"team": "a|b"}, "receiver": "pager", "group_wait": "0s"}],
            },
        ],
    },
    "receivers": [
        {"name": "inbox", "slack_configs": [{"send_resolved": True}]},
        {"name": "slack", "slack_configs": [{}]},
        {"name": "pager", "webhook_configs": [{}]},
    ],
}


@pytest.mark.parametrize(
    ("labels", "receiver", "wait", "interval", "resolved"),
    [
        ({"stackctl_test": "12345678"}, "inbox", 2, 300, True),
        ({"stackctl_test": "12345678-slack"}, "slack", 1, 5, False),
        ({"severity": "critical", "team": "a"}, "pager", 0, 300, True),
        ({"severity": "critical", "team": "abc"}, "root", 30, 300, True),
        ({}, "root", 30, 300, True),
    ],
)
def test_the_first_matching_child_wins_and_inherits(
    labels: dict[str, str], receiver: str, wait: float, interval: float, resolved: bool
) -> None:
    taken = route_for(CONFIG, labels)
    assert taken is not None
    assert (taken.receiver, taken.group_wait_s, taken.group_interval_s) == (receiver, wait, interval)
    assert taken.send_resolved is resolved


def test_a_configuration_without_routes_has_none() -> None:
    assert route_for({}, {}) is None


@pytest.mark.parametrize(
    ("matcher", "value", "expected"),
    [
        ("a=b", "b", True),
        ('a = "b"', "b", True),
        ('a!="b"', "b", False),
        ('a=~"b.*"', "bcd", True),
        ('a=~"b"', "bcd", False),
        ('a!~"b.*"', "", True),
        (r'a="x\"y"', 'x"y', True),
        ("nonsense", "b", False),
    ],
)
def test_matchers_are_anchored_and_an_absent_label_is_empty(matcher: str, value: str, expected: bool) -> None:
    assert matches(matcher, {"a": value} if value else {}) is expected


def test_one_entry_may_hold_several_matchers() -> None:
    config = {"route": {"receiver": "r", "routes": [{"receiver": "c", "matchers": ['{a="1,2", b=~"x|y"}']}]}}
    both, one = route_for(config, {"a": "1,2", "b": "y"}), route_for(config, {"a": "1,2"})
    assert both is not None
    assert one is not None
    assert (both.receiver, one.receiver) == ("c", "r")
