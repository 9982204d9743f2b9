"""What only the running parts can tell: the same questions to our stacks and to anybody's."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx

from stackctl.checks.check import Check
from stackctl.checks.doctor.disagreement import Disagreement, disagreements, restarted
from stackctl.checks.doctor.finding import Finding, found
from stackctl.checks.live.page import Page, parse
from stackctl.errors import UnavailableError
from stackctl.problem import Position, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.report import Report

_ANSWER_S = 10.0
_PAUSE_S = 0.1
_SKEW_S = 2.0
_SHOWN = 3


SCRAPES_DISAGREE = Check(
    "doctor/scrapes-disagree",
    Severity.ERROR,
    "Every scrape shows one worker's counts: totals jump, increase() invents traffic, and budgets and alerts on them are wrong.",
    "set PROMETHEUS_MULTIPROC_DIR (a tmpfs of the container), or run one worker",
)
CLOCK_SKEW = Check(
    "doctor/clock-skew",
    Severity.WARNING,
    "Samples are dropped as out of order or too old, alerts fire late, and proofs measure nonsense.",
    "run chrony or systemd-timesyncd on the machines",
)
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
METRICS_CLOSED = Check(
    "doctor/metrics-closed",
    Severity.ERROR,
    "Prometheus, coming with the same credentials, gets no metrics either.",
    "give the scrape job a key that may read metrics",
)
PART_UNHEALTHY = Check(
    "doctor/part-unhealthy",
    Severity.ERROR,
    "What it does is not being done.",
    "`stackctl logs` of the part, then `stackctl restart` it",
)


@dataclass(frozen=True)
class Endpoints:
    """Base URLs of the running parts; empty ones are not asked. `token` is what /metrics demands."""

    gateway: str = ""
    prometheus: str = ""
    alertmanager: str = ""
    token: str = ""


def examine_running(endpoints: Endpoints, report: Report, *, scrapes: int = 12) -> list[Finding]:
    """Ask every given part; one that does not answer is a finding, not an error."""
    findings: list[Finding] = []
    questions = (
        (endpoints.gateway, f"{scrapes} fresh scrapes", lambda: _gateway(endpoints, scrapes)),
        (endpoints.prometheus, "targets and Alertmanagers", lambda: _prometheus(endpoints.prometheus)),
        (endpoints.alertmanager, "clock and notifications", lambda: _alertmanager(endpoints.alertmanager)),
    )
    for url, what, ask in questions:
        if url:
            mine = _asked(url, ask)
            report.add(f"{_shown(url)}: {what}", "stackctl", [each.problem for each in mine])
            findings += mine
    return findings


def _asked(url: str, ask: Any) -> list[Finding]:
    try:
        return list(ask())
    except UnavailableError as error:
        return [found(PART_UNHEALTHY, error.message, Position(_shown(url)), evidence="asked just now")]
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        message = f"{_shown(url)} does not answer"
        return [found(PART_UNHEALTHY, message, Position(_shown(url)), evidence=reason)]


def _gateway(endpoints: Endpoints, scrapes: int) -> Iterator[Finding]:
    base = endpoints.gateway.rstrip("/")
    address = base if base.endswith("/metrics") else f"{base}/metrics"
    pages: list[Page] = []
    for index in range(scrapes):
        answer = _fresh(address, endpoints.token)
        if index == 0:
            yield from _skew(answer, base)
        if answer.status_code in (401, 403):
            evidence = f"{answer.status_code} {answer.reason_phrase}" + (
                "" if endpoints.token else ", asked without a key"
            )
            yield found(
                METRICS_CLOSED, f"{_shown(base)}/metrics wants a key", Position(_shown(base)), evidence=evidence
            )
            return
        if answer.is_error:
            evidence = f"{answer.status_code} {answer.reason_phrase}"
            yield found(
                METRICS_CLOSED, f"{_shown(base)}/metrics does not open", Position(_shown(base)), evidence=evidence
            )
            return
        pages.append(parse(answer.text))
        time.sleep(_PAUSE_S)
    yield from _disagreeing(pages, _shown(base))


def _disagreeing(pages: list[Page], url: str) -> Iterator[Finding]:
    proofs = disagreements(pages)
    if not proofs:
        return
    evidence = "; ".join(_told(proof) for proof in proofs[:_SHOWN])
    where = Position(url)
    if restarted(proofs):
        message = "counters went backwards once: the gateway restarted between two scrapes"
        yield found(PART_UNHEALTHY, message, where, evidence=evidence, severity=Severity.WARNING)
        return
    message = f"{len(pages)} scrapes over fresh connections disagree in {len(proofs)} counter(s)"
    yield found(SCRAPES_DISAGREE, message, where, evidence=evidence)


def _told(proof: Disagreement) -> str:
    return f"{proof.series}: {', '.join(f'{value:g}' for value in proof.values)}"


def _prometheus(url: str) -> Iterator[Finding]:
    where = Position(_shown(url))
    answer = _fresh(f"{url}/api/v1/targets?state=active")
    yield from _skew(answer, url)
    for target in answer.raise_for_status().json()["data"]["activeTargets"]:
        if target["health"] == "down":
            message = f"{target['labels'].get('job', '?')} at {target['scrapeUrl']} is down"
            yield found(TARGET_DOWN, message, where, evidence=target.get("lastError") or "no reason given")
    managers = _fresh(f"{url}/api/v1/alertmanagers").raise_for_status().json()["data"]["activeAlertmanagers"]
    rules = _fresh(f"{url}/api/v1/rules?type=alert").raise_for_status().json()["data"]["groups"]
    if not managers:
        count = sum(len(group["rules"]) for group in rules)
        evidence = f"0 active Alertmanagers, {count} alerting rules"
        yield found(ALERTMANAGER_LOST, "Prometheus is connected to no Alertmanager", where, evidence=evidence)
    dropped = _value(url, "sum(increase(prometheus_notifications_dropped_total[1h]))")
    if dropped:
        evidence = f"prometheus_notifications_dropped_total rose by {dropped:.0f} in the last hour"
        yield found(ALERTMANAGER_LOST, "Prometheus could not deliver alerts to Alertmanager", where, evidence=evidence)


def _alertmanager(url: str) -> Iterator[Finding]:
    answer = _fresh(f"{url}/api/v2/status")
    yield from _skew(answer, url)
    answer.raise_for_status()
    page = parse(_fresh(f"{url}/metrics").raise_for_status().text)
    for (name, labels), value in page.counters.items():
        if name == "alertmanager_notifications_failed_total" and value > 0:
            said = dict(labels)
            what = said.get("integration", "?")
            evidence = f"{value:.0f} failed" + (f" ({said['reason']})" if said.get("reason") else "")
            message = f"Alertmanager could not deliver by {what}"
            yield found(ALERTMANAGER_LOST, message, Position(_shown(url)), evidence=evidence, severity=Severity.WARNING)


def _skew(answer: httpx.Response, url: str) -> Iterator[Finding]:
    if "date" not in answer.headers:
        return
    there = parsedate_to_datetime(answer.headers["date"]).timestamp()
    # The header counts whole seconds, and the answer took a while.
    skew = there - time.time()
    if abs(skew) > _SKEW_S + answer.elapsed.total_seconds():
        message = f"the clock of {_shown(url)} is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
        yield found(CLOCK_SKEW, message, Position(_shown(url)), evidence=f"Date: {answer.headers['date']}")


def _value(url: str, query: str) -> float:
    with httpx.Client(timeout=_ANSWER_S, trust_env=False) as client:
        data = client.get(f"{url}/api/v1/query", params={"query": query}).raise_for_status().json()["data"]["result"]
    return float(data[0]["value"][1]) if data else 0.0


def _fresh(address: str, token: str = "") -> httpx.Response:
    """One request over a connection of its own: a kept one would ask the same worker again and again."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(
        headers=headers, timeout=_ANSWER_S, trust_env=False, follow_redirects=True, verify=_certificates()
    ) as client:
        return client.get(address)


@cache
def _certificates() -> ssl.SSLContext:
    """Reading them takes longer than a scrape, and every scrape has a connection of its own."""
    return ssl.create_default_context()


def _shown(url: str) -> str:
    """The URL without user and password."""
    parsed = httpx.URL(url)
    return str(parsed.copy_with(username=None, password=None)).rstrip("/") if parsed.userinfo else url.rstrip("/")
