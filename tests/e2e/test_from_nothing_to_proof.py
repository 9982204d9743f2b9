"""The whole product through its command line: from an empty directory to a proven alert and back to nothing running."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import psutil
import pytest

from tests.command import stackctl
from tests.real_parts import stable_parts


@pytest.mark.timeout(400)
def test_init_up_validate_status_down(tmp_path: Path) -> None:
    parts = stable_parts().environment()
    stack = tmp_path / "stack"
    assert stackctl("init", stack, "--demo", "--defaults").code == 0

    up = stackctl("up", "-C", stack, "--timeout", 180, "--json", timeout=300, **parts)
    assert up.code == 0, up.out + up.err
    try:
        running = {part["name"]: part for part in up.envelope["data"]["parts"]}
        assert set(running) == {"gateway", "prometheus", "alertmanager", "inbox"}
        assert all(part["healthy"] and part["version"] and part["pid"] for part in running.values())

        proof = stackctl("validate", "-C", stack, "--json", timeout=300, **parts)
        assert proof.code == 0, proof.out
        alerts = {alert["alert"]: alert for alert in proof.envelope["data"]["alerts"]}
        assert set(alerts) == {"LitellmKeyBudget80", "LitellmKeyBudget100"}
        for alert in alerts.values():
            assert alert["outcome"] == "proven"
            assert all(hop["state"] == "done" for hop in alert["hops"])

        evidence = Path(proof.envelope["data"]["evidence_file"]).read_text()
        assert json.loads(evidence)["ok"] is True
        assert "sk-" not in evidence

        messages = httpx.get(f"{running['inbox']['url']}/messages").json()["messages"]
        told = json.dumps(messages)
        for name in alerts:
            assert f"FIRING:1] {name}" in told
            assert f"RESOLVED] {name}" in told

        left = httpx.get(f"{running['gateway']['url']}/metrics").text
        assert 'litellm_budget_spent_usd{key="stackctl-test-' not in left, "the canary's gauges are gone"

        status = stackctl("status", "-C", stack, "--json", **parts)
        assert (status.code, status.envelope["data"]["state"]) == (0, "running")
    finally:
        assert stackctl("down", "-C", stack, timeout=180, **parts).code == 0
    assert stackctl("status", "-C", stack, **parts).code == 1
    assert not any(psutil.pid_exists(part["pid"]) for part in running.values())


def test_a_proof_without_a_running_stack_says_so_in_one_line(tmp_path: Path) -> None:
    assert stackctl("init", tmp_path / "stack", "--demo", "--defaults").code == 0
    refused = stackctl("validate", "-C", tmp_path / "stack")
    assert (refused.code, refused.err.count("\n")) == (3, 1)
    assert "stackctl status" in refused.err
