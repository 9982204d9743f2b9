"""Alertmanager's routing tree: which route takes an alert, and how long that route waits.

The rules are those of https://prometheus.io/docs/alerting/latest/configuration/#route: the first matching child wins,
a child inherits what it does not set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from stackctl.spec.quantity import Duration

_MATCHER = re.compile(r'\s*([\w.:]+)\s*(=~|!~|!=|=)\s*"?((?:[^"\\]|\\.)*)"?\s*')
_DEFAULTS = {"group_wait": "30s", "group_interval": "5m"}


@dataclass(frozen=True)
class Taken:
    """The route that takes an alert."""

    receiver: str
    group_wait_s: float
    group_interval_s: float
    send_resolved: bool


def route_for(config: dict[str, Any], labels: dict[str, str]) -> Taken | None:
    """The first route that takes an alert with these labels; None if the configuration has no routes."""
    route = config.get("route")
    if not isinstance(route, dict):
        return None
    settings = _DEFAULTS | _set_by(route)
    while child := _matching_child(route, labels):
        route = child
        settings |= _set_by(child)
    receiver = settings.get("receiver", "")
    return Taken(
        receiver=receiver,
        group_wait_s=Duration(settings["group_wait"]).seconds,
        group_interval_s=Duration(settings["group_interval"]).seconds,
        send_resolved=_send_resolved(config, receiver),
    )


def matches(matcher: str, labels: dict[str, str]) -> bool:
    """Whether labels satisfy one matcher in Alertmanager's notation; an absent label is an empty one."""
    parsed = _MATCHER.fullmatch(matcher)
    if not parsed:
        return False
    name, operator, value = parsed[1], parsed[2], parsed[3].replace('\\"', '"').replace("\\\\", "\\")
    actual = labels.get(name, "")
    if operator in ("=~", "!~"):
        return (re.fullmatch(value, actual) is not None) == (operator == "=~")
    return (actual == value) == (operator == "=")


def _matching_child(route: dict[str, Any], labels: dict[str, str]) -> dict[str, Any] | None:
    children: list[dict[str, Any]] = route.get("routes") or []
    return next((child for child in children if _takes(child, labels)), None)


def _takes(route: dict[str, Any], labels: dict[str, str]) -> bool:
    found = [matcher for text in route.get("matchers") or [] for matcher in _split(text)]
    found += [f'{name}="{value}"' for name, value in (route.get("match") or {}).items()]
    found += [f'{name}=~"{value}"' for name, value in (route.get("match_re") or {}).items()]
    return all(matches(matcher, labels) for matcher in found)


def _split(text: str) -> list[str]:
    """One entry may hold several matchers, as in `{a="b",c="d"}`."""
    inner = text.strip().removeprefix("{").removesuffix("}")
    return [part for part in re.split(r",(?=\s*[\w.:]+\s*[=!])", inner) if part.strip()]


def _set_by(route: dict[str, Any]) -> dict[str, str]:
    return {name: str(route[name]) for name in ("receiver", "group_wait", "group_interval") if route.get(name)}


def _send_resolved(config: dict[str, Any], receiver: str) -> bool:
    """False for Slack by default, true for webhooks (Alertmanager's own defaults)."""
    for entry in config.get("receivers") or []:
        if entry.get("name") == receiver:
            slack = [bool(item.get("send_resolved", False)) for item in entry.get("slack_configs") or []]
            hooks = [bool(item.get("send_resolved", True)) for item in entry.get("webhook_configs") or []]
            return any(slack + hooks) if slack or hooks else True
    return True
