"""What only the running parts can tell: the same questions to our stacks and to anybody's."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from stackctl.checks.check import Check
from stackctl.checks.doctor.asking import fresh, shown
from stackctl.checks.doctor.clock import clock_skew
from stackctl.checks.doctor.disagreement import Disagreement, disagreements, restarted
from stackctl.checks.doctor.finding import Finding, found
from stackctl.checks.doctor.pipeline import ask_alertmanager, ask_prometheus
from stackctl.checks.live.page import Page, parse
from stackctl.errors import UnavailableError
from stackctl.problem import Position, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.report import Report

# A worker that waits takes every connection that comes while it has nothing else to do, so one scrape after the other
# may meet the same worker again and again: some are made at once.
_AT_ONCE = 3
_PAUSE_S = 0.3
_SHOWN = 3


SCRAPES_DISAGREE = Check(
    "doctor/scrapes-disagree",
    Severity.ERROR,
    "Every scrape shows one worker's counts: totals jump, increase() invents traffic, and budgets and alerts on them are wrong.",
    "set PROMETHEUS_MULTIPROC_DIR (a tmpfs of the container), or run one worker",
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
        (endpoints.prometheus, "targets and Alertmanagers", lambda: ask_prometheus(endpoints.prometheus)),
        (endpoints.alertmanager, "clock and notifications", lambda: ask_alertmanager(endpoints.alertmanager)),
    )
    for url, what, ask in questions:
        if url:
            mine = _asked(url, ask)
            report.add(f"{shown(url)}: {what}", "stackctl", [each.problem for each in mine])
            findings += mine
    return findings


def _asked(url: str, ask: Any) -> list[Finding]:
    try:
        return list(ask())
    except UnavailableError as error:
        return [found(PART_UNHEALTHY, error.message, Position(shown(url)), evidence="asked just now")]
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        message = f"{shown(url)} does not answer"
        return [found(PART_UNHEALTHY, message, Position(shown(url)), evidence=reason)]
    except (ValueError, KeyError, TypeError):
        message = f"{shown(url)} answers something else than was asked: is it another program's address?"
        return [found(PART_UNHEALTHY, message, Position(shown(url)), evidence="asked just now")]


def _gateway(endpoints: Endpoints, scrapes: int) -> Iterator[Finding]:
    base = endpoints.gateway.rstrip("/")
    address = base if base.endswith("/metrics") else f"{base}/metrics"
    first = fresh(address, endpoints.token)
    yield from clock_skew(first, base)
    bursts = [[first]]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        while (left := scrapes - sum(map(len, bursts))) > 0 and not any(answer.is_error for answer in bursts[-1]):
            time.sleep(_PAUSE_S)
            asked = [threads.submit(fresh, address, endpoints.token) for _ in range(min(_AT_ONCE, left))]
            bursts.append([each.result() for each in asked])
    refused = next((answer for answer in bursts[-1] if answer.is_error), None)
    if refused is None:
        yield from disagreeing([[parse(answer.text) for answer in burst] for burst in bursts], shown(base))
        return
    evidence = f"{refused.status_code} {refused.reason_phrase}"
    message = f"{shown(base)}/metrics does not open"
    if refused.status_code in (401, 403):
        evidence += "" if endpoints.token else ", asked without a key"
        message = f"{shown(base)}/metrics wants a key"
    yield found(METRICS_CLOSED, message, Position(shown(base)), evidence=evidence)


def disagreeing(bursts: list[list[Page]], url: str) -> Iterator[Finding]:
    """What a row of scrapes of one gateway proves: several processes behind one address, or a restart between two."""
    proofs = disagreements(bursts)
    if not proofs:
        return
    evidence = "; ".join(_told(proof) for proof in proofs[:_SHOWN])
    where = Position(url)
    if restarted(proofs):
        message = "counters went backwards once: the gateway restarted between two scrapes"
        yield found(PART_UNHEALTHY, message, where, evidence=evidence, severity=Severity.WARNING)
        return
    message = f"{sum(map(len, bursts))} scrapes over fresh connections disagree in {len(proofs)} counter(s)"
    yield found(SCRAPES_DISAGREE, message, where, evidence=evidence)


def _told(proof: Disagreement) -> str:
    return f"{proof.series}: {', '.join(f'{value:g}' for value in proof.values)}"
