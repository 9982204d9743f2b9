"""What a proof says in words, and as problems for the command's result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.problem import Problem, Severity
from stackctl.proof.hops import AlertProof, Outcome
from stackctl.result import Exit, Result

if TYPE_CHECKING:
    from stackctl.proof.hops import Proof


def alert_verdict(alert: AlertProof) -> str:
    """One line: what was proven, or which hop failed and the most likely cause."""
    if alert.outcome is Outcome.PROVEN:
        by_hand = "" if alert.evaluated else ", injected at Alertmanager: its rule was not evaluated"
        return f"delivered in {_seconds(alert)}{_lateness(alert)} and resolved{by_hand}"
    hop = alert.failed_hop
    if alert.outcome is Outcome.INTERRUPTED or hop is None:
        return f"interrupted {_last_step(alert)}"
    cause = hop.likely_causes[0] if hop.likely_causes else "no cause found"
    if alert.outcome is Outcome.NOT_RESOLVED:
        return f"delivered in {_seconds(alert)}, but failed at '{hop.title}': {cause}"
    return f"not delivered: failed at '{hop.title}' after {hop.seconds or 0:.1f} s: {cause}"


def proof_verdict(proof: Proof) -> str:
    """One line for the whole proof."""
    proven = [alert for alert in proof.alerts if alert.outcome is Outcome.PROVEN]
    slowest = max((alert.delivery_s or 0.0 for alert in proven), default=0.0)
    if proof.ok:
        return f"{len(proven)} of {len(proof.alerts)} alerts delivered and resolved, the slowest in {slowest:.1f} s"
    if not proof.cleaned_up:
        return f"the canary could not be removed; {len(proven)} of {len(proof.alerts)} alerts proven"
    missing = ", ".join(alert.name for alert in proof.alerts if alert not in proven)
    return f"{len(proven)} of {len(proof.alerts)} alerts proven; not proven: {missing}"


def problems(proof: Proof) -> list[Problem]:
    """The findings: an alert that did not arrive, that stayed, or that came late; a canary left behind."""
    found = [problem for alert in proof.alerts if (problem := _problem(alert)) is not None]
    if not proof.cleaned_up:
        found.append(
            Problem(
                "canary-left-behind",
                "the test's team and key could not be removed from the gateway",
                consequence="its alerts go on firing on the test route",
                remedy="the next proof removes them once the gateway answers",
            )
        )
    return found


def as_result(proof: Proof) -> Result:
    """The result of `validate` or `alerts test`: exit code 0 only if everything was proven."""
    return Result(proof.as_json(), problems(proof), Exit.YES if proof.ok else Exit.NO)


def _problem(alert: AlertProof) -> Problem | None:
    hop = alert.failed_hop
    more = "; ".join(hop.likely_causes[1:]) if hop else ""
    if alert.outcome is Outcome.NOT_DELIVERED:
        return Problem(
            "alert-not-delivered",
            f"{alert.name}: {alert.verdict}",
            consequence="nobody would be told",
            remedy=more,
        )
    if alert.outcome is Outcome.NOT_RESOLVED:
        return Problem(
            "alert-not-resolved",
            f"{alert.name}: {alert.verdict}",
            Severity.WARNING,
            consequence="nobody would be told that it is over",
            remedy=more,
        )
    if alert.outcome is Outcome.PROVEN and alert.within_bound is False:
        return Problem(
            "alert-late",
            f"{alert.name}: delivered in {_seconds(alert)}, later than its bound of {alert.bound_s:.0f} s",
            Severity.WARNING,
            remedy="see which hop took long in the evidence file",
        )
    return None


def _seconds(alert: AlertProof) -> str:
    return f"{alert.delivery_s or 0:.1f} s"


def _lateness(alert: AlertProof) -> str:
    return (
        f" (bound {alert.bound_s:.0f} s)" if alert.within_bound else f" (LATER than its bound of {alert.bound_s:.0f} s)"
    )


def _last_step(alert: AlertProof) -> str:
    started = [hop for hop in alert.hops if hop.started is not None]
    return f"at '{started[-1].title}'" if started else "before its first hop"
