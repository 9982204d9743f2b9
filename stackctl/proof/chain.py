"""Which hops an alert passes, in order."""

from __future__ import annotations

from stackctl.proof.hops import Hop

_FIRING = (
    ("answered", "request answered (threshold crossed)"),
    ("exposed", "value on /metrics"),
    ("scraped", "sample in Prometheus"),
    ("pending", "rule pending"),
    ("firing", "rule firing"),
    ("received", "received by Alertmanager"),
    ("delivered", "FIRING delivered"),
)
_RESOLVING = (
    ("removed", "canary removed"),
    ("inactive", "rule inactive"),
    ("resolved", "RESOLVED delivered"),
)
_INJECTED = (
    ("injected", "posted to Alertmanager (the rule was not evaluated)"),
    ("received", "received by Alertmanager"),
    ("delivered", "FIRING delivered"),
    ("withdrawn", "end posted to Alertmanager"),
    ("resolved", "RESOLVED delivered"),
)


def provoked_hops(*, pending: bool) -> list[Hop]:
    """The hops of an alert that traffic provokes; a rule without `for` is never pending."""
    return [Hop(name, title) for name, title in (*_FIRING, *_RESOLVING) if pending or name != "pending"]


def injected_hops() -> list[Hop]:
    """The hops of an alert that is posted to Alertmanager."""
    return [Hop(name, title) for name, title in _INJECTED]
