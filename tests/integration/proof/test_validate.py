"""The proof against the real Prometheus, the real Alertmanager and the real inbox."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from stackctl.errors import UnavailableError, UsageError
from stackctl.proof import Endpoints, Event, HopState, Outcome, as_result, prove_alerts, validate
from tests.integration.proof.bundled import MASTER_KEY
from tests.integration.proof.conftest import Parts
from tests.ports import free_port


def test_both_spend_alerts_are_delivered_and_resolved(stack: Parts) -> None:
    events: list[Event] = []
    proof = validate(stack.endpoints, stack.options, lambda _proof, event: events.append(event))

    assert proof.ok, proof.as_json()
    assert [alert.name for alert in proof.alerts] == ["LitellmKeyBudget80", "LitellmKeyBudget100"]
    assert all(hop.state is HopState.DONE for alert in proof.alerts for hop in alert.hops)
    assert all((hop.seconds or 0) >= 0 for alert in proof.alerts for hop in alert.hops)
    mine = [m for m in stack.messages() if proof.id in json.dumps(m)]
    assert sorted((m["state"], m["payload"]["attachments"][0]["title"].split()[1]) for m in mine) == [
        ("firing", "LitellmKeyBudget100"),
        ("firing", "LitellmKeyBudget80"),
        ("resolved", "LitellmKeyBudget100"),
        ("resolved", "LitellmKeyBudget80"),
    ]
    assert (events[0].kind, events[-1].kind) == ("planned", "finished")
    assert stack.gateway.canaries() == set()
    assert as_result(proof).exit_code == 0


def test_the_evidence_file_holds_the_proof_and_no_key(stack: Parts) -> None:
    proof = prove_alerts(stack.endpoints, ["LitellmKeyBudget80"], stack.options)
    text = Path(proof.evidence_file).read_text(encoding="utf-8")
    assert json.loads(text) == proof.as_json()
    assert "sk-" not in text


def test_errors_are_provoked_and_a_rule_with_for_is_seen_pending(stack: Parts) -> None:
    proof = prove_alerts(stack.endpoints, ["LitellmHighErrorRate"], stack.options)
    alert = proof.alerts[0]
    assert alert.hop("delivered").state is HopState.DONE, alert.as_json()
    assert alert.hop("pending").state is HopState.DONE
    assert alert.hop("firing").clock == "prometheus evaluation"
    assert alert.outcome is Outcome.PROVEN


def test_an_injected_alert_says_that_its_rule_was_not_evaluated(stack: Parts) -> None:
    proof = prove_alerts(stack.endpoints, ["Watchdog"], stack.options)
    alert = proof.alerts[0]
    assert alert.outcome is Outcome.PROVEN, alert.as_json()
    assert alert.as_json()["rule_evaluated"] is False
    assert "its rule was not evaluated" in alert.verdict
    assert [hop.name for hop in alert.hops] == ["injected", "received", "delivered", "withdrawn", "resolved"]


def test_a_receiver_that_cannot_be_read_is_proven_by_alertmanagers_counters(stack: Parts) -> None:
    endpoints = replace(stack.endpoints, receiver="slack", inbox="")
    proof = prove_alerts(endpoints, ["LitellmKeyBudget80"], stack.options)
    alert = proof.alerts[0]
    assert alert.outcome is Outcome.PROVEN, alert.as_json()
    assert alert.label.endswith("-slack")
    assert alert.hop("delivered").evidence == {
        "slack_deliveries_since_start": 1,
        "slack_failures_since_start": 0,
        "needed": 1,
    }


def test_an_unknown_alert_is_a_usage_error_that_lists_the_known_ones(stack: Parts) -> None:
    with pytest.raises(UsageError, match="no alert named Nonsense") as caught:
        prove_alerts(stack.endpoints, ["Nonsense"], stack.options)
    assert "Watchdog" in caught.value.remedy


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("gateway", "the gateway does not answer"),
        ("prometheus", "Prometheus does not answer"),
        ("alertmanager", "Alertmanager does not answer"),
        ("inbox", "the inbox does not answer"),
    ],
)
def test_a_part_that_is_not_there_is_named_before_anything_is_tried(stack: Parts, part: str, says: str) -> None:
    urls = stack.endpoints.urls() | {part: f"http://127.0.0.1:{free_port()}"}
    with pytest.raises(UnavailableError, match=says):
        validate(Endpoints(**urls, master_key=MASTER_KEY), stack.options)
    assert stack.gateway.canaries() == set()
