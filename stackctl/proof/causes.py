"""Why a hop did not happen: questions to the parts, in the order in which people would ask them.

Each function adds what it finds to the hop's evidence and returns likely causes, most likely first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackctl.errors import UnavailableError
from stackctl.proof.observe.prometheus import TEST_LABEL
from stackctl.proof.routes import route_for

if TYPE_CHECKING:
    from stackctl.proof.hops import Hop
    from stackctl.proof.observe.alertmanager import ManagedAlert
    from stackctl.proof.session import Session
    from stackctl.proof.signals import Signal


@dataclass(frozen=True)
class Case:
    """What is known of the alert whose hop failed."""

    session: Session
    alert: str
    label: str
    canary: str
    labels: dict[str, str]
    signal: Signal | None = None


Inquiry = Callable[[Case, dict[str, Any]], Awaitable[list[str]]]


async def diagnose(hop: Hop, case: Case) -> None:
    """Fill `hop.likely_causes` and add to `hop.evidence`. Never raises for a part that does not answer."""
    inquiry = _INQUIRIES.get(hop.name)
    causes: list[str] = []
    if inquiry is not None:
        try:
            causes = await inquiry(case, hop.evidence)
        except UnavailableError as silence:
            causes = [silence.message]
    error = str(hop.evidence.get("error", ""))
    if error and error not in causes:
        causes.insert(0, error)
    hop.likely_causes = causes or [_NOTHING_FOUND]


_NOTHING_FOUND = "every part asked answers and is set up for this: it may only be slower than its bound"


async def _not_exposed(case: Case, evidence: dict[str, Any]) -> list[str]:
    if case.signal is None:
        return []
    value = await case.session.metrics.value(case.signal.metric, case.canary)
    evidence |= {"condition": case.signal.describe(), "metric": case.signal.metric, "value_seen": value}
    if value is None:
        return [f'/metrics has no series {case.signal.metric}{{key="{case.canary}"}}: the gateway does not expose it']
    return [f"/metrics shows {case.signal.metric} = {value:g} for the canary, which does not satisfy the condition yet"]


async def _not_scraped(case: Case, evidence: dict[str, Any]) -> list[str]:
    targets = await case.session.prometheus.targets()
    mine = [target for target in targets if target.serves(case.session.endpoints.scrape_target)]
    evidence["targets"] = [{"url": t.url, "job": t.job, "health": t.health, "error": t.last_error} for t in targets]
    if not mine:
        return [f"Prometheus has no scrape target at {case.session.endpoints.scrape_target}", *await _reload(case)]
    down = [target for target in mine if target.health != "up"]
    return [f"the scrape target {t.url} is {t.health}: {t.last_error or 'not scraped yet'}" for t in down]


async def _not_firing(case: Case, evidence: dict[str, Any]) -> list[str]:
    prometheus = case.session.prometheus
    rule = await prometheus.rule(case.alert)
    if rule is None:
        loaded = sorted({rule.name for rule in await prometheus.rules()})
        evidence["rules_loaded"] = loaded
        names = ", ".join(loaded) or "none"
        return [f"the rule {case.alert} is not loaded in Prometheus (loaded: {names})", *await _reload(case)]
    evidence["rule"] = {"query": rule.query, "for_seconds": rule.for_s, "health": rule.health, "error": rule.last_error}
    if rule.last_error:
        return [f"the rule cannot be evaluated: {rule.last_error}"]
    broken = await prometheus.failing_recordings()
    active = await prometheus.alert(case.alert, case.label)
    if active:
        evidence["state"] = active.state
        return [f"the rule is {active.state} since its condition became true; its `for` is {rule.for_s:g} s"]
    missing = f'the rule is evaluated but yields nothing with {TEST_LABEL}="{case.label}"'
    hint = "its threshold is not reached, or its expression loses the label"
    return [*(f"a recording rule fails: {text}" for text in broken), f"{missing}: {hint}"]


async def _not_received(case: Case, evidence: dict[str, Any]) -> list[str]:
    active = await case.session.prometheus.alertmanagers()
    evidence["prometheus_sends_to"] = active
    if not active:
        return ["Prometheus has no active Alertmanager (alerting.alertmanagers in prometheus.yml)"]
    return [f"Prometheus sends to {', '.join(active)}; is that the Alertmanager at {case.session.alertmanager.url}?"]


async def _not_delivered(case: Case, evidence: dict[str, Any]) -> list[str]:
    alert = await case.session.alertmanager.alert(case.alert, case.label)
    taken = route_for(await case.session.alertmanager.config(), case.labels)
    receiver = taken.receiver if taken else "none"
    evidence |= {"receivers": alert.receivers if alert else [], "route_receiver": receiver}
    causes = _muted(alert) if alert else ["Alertmanager no longer has the alert: it ended before it was sent"]
    causes += await _refused(case, evidence, receiver)
    causes += await _receiver_silent(case)
    return causes or [f"the route sends this alert to '{receiver}', which may not be the receiver that was watched"]


async def _not_inactive(case: Case, evidence: dict[str, Any]) -> list[str]:
    active = await case.session.prometheus.alert(case.alert, case.label)
    if active is None:
        return []
    evidence["state"] = active.state
    value = await case.session.metrics.value(case.signal.metric, case.canary) if case.signal else None
    if value is not None:
        return [f"the canary's series are still on /metrics ({case.signal.metric if case.signal else ''} = {value:g})"]
    return ["the rule still sees older samples: its expression looks further back than expected"]


async def _not_resolved(case: Case, evidence: dict[str, Any]) -> list[str]:
    taken = route_for(await case.session.alertmanager.config(), case.labels)
    receiver = taken.receiver if taken else "none"
    silent = [f"receiver '{receiver}' has send_resolved: false"] if taken and not taken.send_resolved else []
    return silent + await _refused(case, evidence, receiver) + await _receiver_silent(case)


async def _refused(case: Case, evidence: dict[str, Any], receiver: str) -> list[str]:
    causes = []
    for integration in ("slack", "webhook"):
        counts = await case.session.alertmanager.counts(integration)
        if counts.failed_attempts or counts.failed:
            evidence[f"{integration}_failed_attempts"] = counts.failed_attempts
            evidence[f"{integration}_failed"] = counts.failed
            reasons = f" ({', '.join(counts.reasons)})" if counts.reasons else ""
            tries = f"{counts.failed_attempts:g} of {counts.attempts:g} attempts failed since Alertmanager started"
            causes.append(
                f"{integration} notifications fail{reasons}: {tries}; its log names the answer of '{receiver}'"
            )
    return causes


async def _receiver_silent(case: Case) -> list[str]:
    if case.session.endpoints.receiver != "inbox":
        return []
    try:
        await case.session.inbox.check_ready()
    except UnavailableError as error:
        return [error.message]
    return []


def _muted(alert: ManagedAlert) -> list[str]:
    causes = []
    if alert.silenced_by:
        causes.append(f"the alert is silenced in Alertmanager by {', '.join(alert.silenced_by)}")
    if alert.inhibited_by:
        causes.append("the alert is inhibited in Alertmanager by another alert (inhibit_rules)")
    return causes


async def _reload(case: Case) -> list[str]:
    failed = await case.session.prometheus.reload_failed()
    return ["Prometheus refused its newest configuration and runs with an older one"] if failed else []


_INQUIRIES: dict[str, Inquiry] = {
    "exposed": _not_exposed,
    "scraped": _not_scraped,
    "pending": _not_firing,
    "firing": _not_firing,
    "received": _not_received,
    "delivered": _not_delivered,
    "inactive": _not_inactive,
    "resolved": _not_resolved,
}
