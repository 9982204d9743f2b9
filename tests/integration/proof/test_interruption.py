"""A proof that is stopped cleans up; one that is killed is cleaned up by the next."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

from stackctl.proof import cleanup_leftovers
from tests.integration.proof.bundled import MASTER_KEY
from tests.integration.proof.conftest import Parts

RUN = """
import sys
from pathlib import Path
from stackctl.proof import Endpoints, Options, validate
endpoints = Endpoints(*sys.argv[1:5], master_key=sys.argv[6])
def tell(proof, event):
    if event.hop and event.hop.name == "scraped":
        print("crossed", flush=True)
try:
    validate(endpoints, Options(Path(sys.argv[5])), tell)
except KeyboardInterrupt:
    sys.exit(130)
"""


def start_proof(stack: Parts) -> subprocess.Popen[str]:
    urls = stack.endpoints
    arguments = [urls.gateway, urls.prometheus, urls.alertmanager, urls.inbox, str(stack.options.proofs), MASTER_KEY]
    process = subprocess.Popen([sys.executable, "-c", RUN, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "crossed\n"
    assert stack.gateway.canaries()
    return process


def stop_with(process: subprocess.Popen[str], number: signal.Signals) -> int:
    process.send_signal(number)
    process.communicate(timeout=30)
    return process.returncode


def test_interrupts_and_kills_leave_nothing_behind(stack: Parts) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        assert stop_with(start_proof(stack), number) == 130
        assert stack.gateway.canaries() == set()

    evidence = [json.loads(path.read_text()) for path in sorted(stack.options.proofs.glob("*.json"))[-2:]]
    assert [alert["outcome"] for proof in evidence for alert in proof["alerts"]] == ["interrupted"] * 4

    other = start_proof(stack)
    # Held still, so that it cannot finish by itself before the other one is killed.
    other.send_signal(signal.SIGSTOP)
    try:
        stop_with(start_proof(stack), signal.SIGKILL)
        assert len(stack.gateway.canaries()) == 2
        killed = cleanup_leftovers(stack.endpoints, stack.options.proofs)
        assert len(killed) == 1, "the running proof was disturbed, or the killed one was missed"
        assert len(stack.gateway.canaries() - set(killed)) == 1
    finally:
        other.send_signal(signal.SIGINT)
        other.send_signal(signal.SIGCONT)
        code = stop_with(other, signal.SIGCONT)
    assert code == 130
    assert stack.gateway.canaries() == set()
