"""The proof against the real Prometheus, the real Alertmanager and the real inbox."""

from __future__ import annotations

from collections.abc import Callable

from stackctl.proof import Event, HopState, validate
from tests.integration.proof.conftest import Parts


def test_both_spend_alerts_are_delivered_and_resolved(parts: Callable[..., Parts]) -> None:
    stack = parts()
    events: list[Event] = []
    proof = validate(stack.endpoints, stack.options, lambda _proof, event: events.append(event))

    assert proof.ok, proof.as_json()
    assert [alert.name for alert in proof.alerts] == ["LitellmKeyBudget80", "LitellmKeyBudget100"]
    assert all(hop.state is HopState.DONE for alert in proof.alerts for hop in alert.hops)
    assert all((hop.seconds or 0) >= 0 for alert in proof.alerts for hop in alert.hops)
    states = [(m["state"], m["payload"]["attachments"][0]["title"].split()[1]) for m in stack.messages()]
    assert sorted(states) == [
        ("firing", "LitellmKeyBudget100"),
        ("firing", "LitellmKeyBudget80"),
        ("resolved", "LitellmKeyBudget100"),
        ("resolved", "LitellmKeyBudget80"),
    ]
    assert events[0].kind == "planned"
    assert events[-1].kind == "finished"
    assert stack.gateway.teams == stack.gateway.keys == {}
