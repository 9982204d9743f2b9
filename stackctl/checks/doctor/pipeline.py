"""What a running Prometheus and Alertmanager say of their targets and of the way an alert takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.asking import fresh, shown, value_of
from stackctl.checks.doctor.clock import clock_skew
from stackctl.checks.doctor.finding import found
from stackctl.checks.live.page import parse
from stackctl.problem import Position, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.finding import Finding
    from stackctl.checks.live.page import Page

TARGET_DOWN = Check(
    "doctor/target-down",
    Severity.ERROR,
    "Nothing is known of it since then; alerts on its series cannot fire.",
    "see the reason; `stackctl logs` shows the part's own view",
)
ALERTMANAGER_LOST = Check(
    "doctor/alertmanager-lost",
    Severity.ERROR,
    "Alerts fire in Prometheus and go nowhere.",
    "see alerting.alertmanagers in prometheus.yml, and Alertmanager's own log",
)


_NOTIFICATIONS = (
    "alertmanager_notifications_failed_total",
    "alertmanager_notification_requests_total",
    "alertmanager_notification_requests_failed_total",
)


def ask_prometheus(url: str) -> Iterator[Finding]:
    """Its clock, the targets it cannot scrape, and whether its alerts reach an Alertmanager."""
    where = Position(shown(url))
    answer = fresh(f"{url}/api/v1/targets?state=active")
    yield from clock_skew(answer, url)
    for target in answer.raise_for_status().json()["data"]["activeTargets"]:
        if target["health"] == "down":
            message = f"{target['labels'].get('job', '?')} at {target['scrapeUrl']} is down"
            yield found(TARGET_DOWN, message, where, evidence=target.get("lastError") or "no reason given")
    managers = fresh(f"{url}/api/v1/alertmanagers").raise_for_status().json()["data"]["activeAlertmanagers"]
    rules = fresh(f"{url}/api/v1/rules?type=alert").raise_for_status().json()["data"]["groups"]
    if not managers:
        count = sum(len(group["rules"]) for group in rules)
        evidence = f"0 active Alertmanagers, {count} alerting rules"
        yield found(ALERTMANAGER_LOST, "Prometheus is connected to no Alertmanager", where, evidence=evidence)
    if evidence := _dropped(url):
        yield found(ALERTMANAGER_LOST, "Prometheus could not deliver alerts to Alertmanager", where, evidence=evidence)


def _dropped(url: str) -> str:
    """How many alerts were lost on the way to Alertmanager lately; since its start where Prometheus does not scrape itself."""
    lately = value_of(url, "sum(increase(prometheus_notifications_dropped_total[1h]))")
    if lately is not None:
        return f"prometheus_notifications_dropped_total rose by {lately:.0f} in the last hour" if lately else ""
    page = parse(fresh(f"{url}/metrics").raise_for_status().text)
    ever = sum(value for (name, _), value in page.counters.items() if name == "prometheus_notifications_dropped_total")
    return f"prometheus_notifications_dropped_total is {ever:.0f} since the start" if ever else ""


def ask_alertmanager(url: str) -> Iterator[Finding]:
    """Its clock, and the receivers it could not deliver to."""
    answer = fresh(f"{url}/api/v2/status")
    yield from clock_skew(answer, url)
    answer.raise_for_status()
    page = parse(fresh(f"{url}/metrics").raise_for_status().text)
    for integration, evidence in _undelivered(page).items():
        message = f"Alertmanager could not deliver by {integration}"
        yield found(ALERTMANAGER_LOST, message, Position(shown(url)), evidence=evidence, severity=Severity.WARNING)


def _undelivered(page: Page) -> dict[str, str]:
    """Integration → what was seen. A notification counts as failed after minutes of tries, so until then it is one of
    whose requests none has got through."""
    failed, tried, refused = (_by_integration(page, name) for name in _NOTIFICATIONS)
    found: dict[str, str] = {}
    for integration, requests in tried.items():
        if requests and refused.get(integration) == requests:
            found[integration] = f"{requests:.0f} of {requests:.0f} requests failed"
    return found | {each: f"{count:.0f} notifications failed" for each, count in failed.items() if count}


def _by_integration(page: Page, name: str) -> dict[str, float]:
    counts: dict[str, float] = {}
    for (series, labels), value in page.counters.items():
        if series == name:
            integration = dict(labels).get("integration", "?")
            counts[integration] = counts.get(integration, 0) + value
    return counts
