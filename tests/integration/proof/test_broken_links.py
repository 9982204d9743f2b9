"""Each broken link of the chain is named by the verdict, with a cause that fits; and nothing is left behind.

The stacks are broken in different ways and proven side by side: nearly all of their time is waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from stackctl.proof import AlertProof, HopState, Outcome, Proof, as_result, prove_alerts
from stackctl.spec.model import TEST_PREFIX
from tests.integration.proof.bundled import BundledGateway
from tests.integration.proof.conftest import Parts, budget_rule
from tests.ports import free_port
from tests.real_parts import RealParts

Break = Callable[[Parts], None]
RULE = budget_rule("LitellmKeyBudget80", 0.8)
CLASH = 'label_replace({job="gateway"}, "__name__", "same", "", "") >= 0'


@dataclass
class Scenario:
    """How a stack differs from a good one, before it starts and after."""

    changes: dict[str, Any]
    after_start: Break = lambda parts: None


def silence(parts: Parts) -> None:
    body = {
        "matchers": [{"name": "stackctl_test", "value": ".+", "isRegex": True, "isEqual": True}],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "a test",
        "comment": "",
    }
    httpx.post(f"{parts.endpoints.alertmanager}/api/v2/silences", json=body, trust_env=False).raise_for_status()


@pytest.fixture(scope="module")
def refusing() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_error(500)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/slack"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def proofs(
    tmp_path_factory: pytest.TempPathFactory, refusing: str, gateway: BundledGateway, tools: RealParts
) -> dict[str, Proof]:
    scenarios = {
        "rule missing": Scenario({"rules": [budget_rule("LitellmKeyBudget100", 1.0)]}),
        "rule failing": Scenario({"rules": [{**RULE, "expr": CLASH}]}),
        "no alertmanager": Scenario({"alertmanager_known": False}),
        "no target": Scenario({"scraped": f"127.0.0.1:{free_port()}"}),
        "target down": Scenario({"metrics_path": "/nowhere"}),
        "receiver refuses": Scenario({"receiver_url": refusing}),
        "silenced": Scenario({}, silence),
        "not resolved": Scenario({"receiver": {"send_resolved": False}}),
    }
    with ThreadPoolExecutor(len(scenarios)) as pool:
        waiting = {
            name: pool.submit(
                _prove, Parts(tmp_path_factory.mktemp("broken"), gateway, tools, **({"rules": [RULE]} | s.changes)), s
            )
            for name, s in scenarios.items()
        }
        return {name: future.result() for name, future in waiting.items()}


def _prove(parts: Parts, scenario: Scenario) -> Proof:
    try:
        parts.start()
        scenario.after_start(parts)
        proof = prove_alerts(parts.endpoints, ["LitellmKeyBudget80"], parts.options)
        assert TEST_PREFIX + proof.id not in parts.gateway.canaries()
        return proof
    finally:
        parts.stop()


def failed(proof: Proof) -> tuple[str, str]:
    """The hop that failed and its causes; everything before it is done, everything after it was not tried."""
    alert: AlertProof = proof.alerts[0]
    assert not proof.ok
    assert proof.cleaned_up
    assert alert.outcome is Outcome.NOT_DELIVERED
    assert as_result(proof).exit_code == 1
    states = [hop.state for hop in alert.hops]
    at = states.index(HopState.FAILED)
    assert set(states[:at]) <= {HopState.DONE}
    assert set(states[at + 1 :]) <= {HopState.PLANNED}
    assert f"'{alert.hops[at].title}'" in alert.verdict
    return alert.hops[at].name, "; ".join(alert.hops[at].likely_causes)


def test_a_rule_that_is_not_loaded_is_named_together_with_those_that_are(proofs: dict[str, Proof]) -> None:
    hop, causes = failed(proofs["rule missing"])
    assert hop == "firing"
    assert "LitellmKeyBudget80 is not loaded" in causes
    assert "loaded: LitellmKeyBudget100" in causes


def test_a_rule_whose_evaluation_fails_is_quoted(proofs: dict[str, Proof]) -> None:
    hop, causes = failed(proofs["rule failing"])
    assert hop == "firing"
    assert "the rule cannot be evaluated: vector cannot contain metrics with the same labelset" in causes


def test_a_prometheus_without_alertmanager_fails_at_received(proofs: dict[str, Proof]) -> None:
    hop, causes = failed(proofs["no alertmanager"])
    assert hop == "received"
    assert "no active Alertmanager" in causes


def test_a_gateway_that_is_no_target_fails_at_the_sample(proofs: dict[str, Proof]) -> None:
    hop, causes = failed(proofs["no target"])
    assert hop == "scraped"
    assert "Prometheus has no scrape target at" in causes


def test_a_target_that_is_down_is_quoted_with_the_scrapes_own_error(proofs: dict[str, Proof]) -> None:
    hop, causes = failed(proofs["target down"])
    assert hop == "scraped"
    assert "is down: server returned HTTP status 404" in causes


def test_a_receiver_that_answers_500_fails_at_delivered(proofs: dict[str, Proof]) -> None:
    hop, causes = failed(proofs["receiver refuses"])
    assert hop == "delivered"
    assert "slack notifications fail" in causes


def test_a_silence_is_named(proofs: dict[str, Proof]) -> None:
    hop, causes = failed(proofs["silenced"])
    assert hop == "delivered"
    assert "silenced in Alertmanager" in causes


def test_without_send_resolved_the_alert_is_delivered_but_not_resolved(proofs: dict[str, Proof]) -> None:
    alert = proofs["not resolved"].alerts[0]
    assert alert.outcome is Outcome.NOT_RESOLVED
    assert "send_resolved: false" in alert.verdict
    assert as_result(proofs["not resolved"]).exit_code == 1
