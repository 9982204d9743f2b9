"""Hops follow each other, on whose clock ever, and a chain ends in a verdict."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from stackctl.errors import StackctlError, UnavailableError
from stackctl.problem import Severity
from stackctl.proof import AlertProof, Event, HopState, Outcome, Proof, as_result
from stackctl.proof.chain import injected_hops, provoked_hops
from stackctl.proof.follow import Chain, HopFailedError
from stackctl.proof.observe.receiver import Sighting
from stackctl.proof.timing import Timing
from stackctl.proof.verdict import alert_verdict, proof_verdict


def alert(**fields: object) -> AlertProof:
    made = AlertProof("LitellmKeyBudget80", "12345678", "budget", provoked_hops(pending=False), bound_s=36)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def chain(of: AlertProof, limit: float = 5.0) -> tuple[Chain, list[Event]]:
    events: list[Event] = []
    return Chain(of, lambda _hop: limit, 0.01, events.append), events


async def seen(at: float) -> Sighting:
    return Sighting(at, "somebody", {"n": 1})


async def nothing() -> None:
    return None


def test_a_hop_begins_where_the_one_before_ended() -> None:
    of = alert()
    steps, events = chain(of)
    crossed = time.time() + 1000

    async def follow() -> None:
        await steps.act("answered", seen(crossed))
        await steps.wait("exposed", lambda: seen(crossed + 2.5))

    asyncio.run(follow())
    hop = of.hop("exposed")
    assert (hop.started, hop.finished, hop.seconds, hop.clock) == (crossed, crossed + 2.5, 2.5, "somebody")
    assert [(event.hop.name, event.kind) for event in events if event.hop] == [
        ("answered", "hop"),
        ("answered", "hop"),
        ("exposed", "hop"),
        ("exposed", "hop"),
    ]


def test_a_clock_that_lags_never_makes_a_hop_negative() -> None:
    of = alert()
    steps, _ = chain(of)

    async def follow() -> None:
        await steps.act("answered", seen(1000.0))
        await steps.wait("exposed", lambda: seen(999.0))

    asyncio.run(follow())
    assert of.hop("exposed").seconds == 0


def test_a_part_that_is_silent_for_a_moment_is_asked_again() -> None:
    answers = iter([UnavailableError("restarting"), None, Sighting(5.0, "x")])

    async def probe() -> Sighting | None:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    of = alert()
    steps, _ = chain(of)
    asyncio.run(steps.wait("exposed", probe))
    assert of.hop("exposed").state is HopState.DONE


async def silent() -> None:
    raise UnavailableError("Prometheus does not answer")


@pytest.mark.parametrize(("probe", "error"), [(nothing, None), (silent, "Prometheus does not answer")])
def test_a_hop_that_does_not_come_fails_after_its_limit(
    probe: Callable[[], Awaitable[None]], error: str | None
) -> None:
    of = alert()
    steps, _ = chain(of, limit=0.05)
    with pytest.raises(HopFailedError):
        asyncio.run(steps.wait("scraped", probe))
    hop = of.hop("scraped")
    assert (hop.state, hop.evidence.get("error")) == (HopState.FAILED, error)


def test_an_action_that_cannot_be_done_fails_its_hop() -> None:
    async def refuse() -> Sighting:
        raise StackctlError("the gateway refused the canary")

    of = alert()
    steps, events = chain(of)
    with pytest.raises(HopFailedError):
        asyncio.run(steps.act("answered", refuse()))
    steps.conclude(Outcome.NOT_DELIVERED)
    assert of.failed_hop is of.hop("answered")
    assert [event.kind for event in events][-2:] == ["hop", "alert"]


def delivered(seconds: float, **fields: object) -> AlertProof:
    made = alert(**fields)
    for hop in made.hops:
        hop.state, hop.started, hop.finished = HopState.DONE, 100.0, 100.0
    made.hop("delivered").finished = 100.0 + seconds
    return made


def test_the_verdict_of_a_proven_alert_tells_seconds_and_bound() -> None:
    text = alert_verdict(delivered(20.04, outcome=Outcome.PROVEN))
    assert text == "delivered in 20.0 s (bound 36 s) and resolved"


def test_an_injected_alert_never_claims_that_its_rule_works() -> None:
    of = delivered(1, outcome=Outcome.PROVEN, hops=provoked_hops(pending=False), evaluated=False)
    assert "its rule was not evaluated" in alert_verdict(delivered(1, outcome=Outcome.PROVEN, evaluated=False))
    assert of.evaluated is False


def test_the_verdict_of_a_failed_alert_names_hop_seconds_and_cause() -> None:
    of = alert(outcome=Outcome.NOT_DELIVERED)
    hop = of.hop("firing")
    hop.state, hop.started, hop.finished, hop.likely_causes = HopState.FAILED, 10.0, 45.0, ["the rule is not loaded"]
    assert alert_verdict(of) == "not delivered: failed at 'rule firing' after 35.0 s: the rule is not loaded"


def test_an_interrupted_alert_tells_how_far_it_got() -> None:
    of = alert(outcome=Outcome.INTERRUPTED)
    assert alert_verdict(of) == "interrupted before its first hop"
    of.hops[0].started = time.time()
    assert alert_verdict(of) == "interrupted at 'request answered (threshold crossed)'"


def proof(*alerts: AlertProof, cleaned_up: bool = True) -> Proof:
    return Proof("12345678", "inbox", list(alerts), {}, started=0.0, cleaned_up=cleaned_up)


def test_a_late_delivery_is_a_warning_and_still_a_delivery() -> None:
    of = proof(delivered(40, outcome=Outcome.PROVEN))
    result = as_result(of)
    assert result.exit_code == 0
    assert [(p.id, p.severity) for p in result.problems] == [("alert-late", Severity.WARNING)]


def test_a_canary_left_behind_is_a_finding_although_all_arrived() -> None:
    of = proof(delivered(4, outcome=Outcome.PROVEN), cleaned_up=False)
    result = as_result(of)
    assert result.exit_code == 1
    assert [p.id for p in result.problems] == ["canary-left-behind"]
    assert "could not be removed" in proof_verdict(of)


def test_the_proofs_verdict_names_what_is_not_proven() -> None:
    of = proof(delivered(4, outcome=Outcome.PROVEN), alert(name="Other", outcome=Outcome.INTERRUPTED))
    assert proof_verdict(of) == "1 of 2 alerts proven; not proven: Other"


def test_every_chain_names_its_hops_once() -> None:
    for hops in (provoked_hops(pending=True), provoked_hops(pending=False), injected_hops()):
        names = [hop.name for hop in hops]
        assert len(set(names)) == len(names)
        assert {"received", "delivered", "resolved"} <= set(names)


def test_the_bound_is_scrape_plus_evaluation_plus_for_plus_group_wait_plus_five() -> None:
    timing = Timing(15, 15, 60, 0, 1, 5)
    assert timing.bound_s == 15 + 15 + 60 + 1 + 5
    assert timing.limit("firing", 5) == 2 * 15 + 60 + 5
