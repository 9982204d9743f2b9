"""One process of a gateway counts the tokens that nobody told; its workers stay small, whatever becomes of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from gateway.counting import estimate, of_prompt
from gateway.counting.encoding import count, of_text
from tests.integration.gateway.running import PRICE, Running
from tests.integration.gateway.upstream import FakeUpstream

SAID = "one two three"
ASKED = [{"role": "user", "content": "hello"}]
_MOST_OF_A_WORKER = 110 << 20


@pytest.fixture
def untold(tmp_path: Path, upstream: FakeUpstream) -> Iterator[Running]:
    """A gateway whose provider tells no usage."""
    deployment = {"id": "d", "provider": "vllm", "model": "no-usage", "api_base": upstream.url, "price": PRICE}
    with Running(tmp_path, models=[{"name": "no-usage", "deployments": [deployment]}]) as running:
        yield running


def newest(gateway: Running, key: str) -> dict[str, Any]:
    """The row of a stream."""
    assert gateway.chat(key, "no-usage", stream=True).text.endswith("data: [DONE]\n\n")
    row: dict[str, Any] = gateway.admin("GET", "/spend/logs")[0]
    return row


def loaded(process: psutil.Process) -> bool:
    return "bpe_openai" in Path(f"/proc/{process.pid}/maps").read_text()


def test_workers_stay_small_and_one_process_for_all_is_started_by_the_first_that_needs_it(untold: Running) -> None:
    key = untold.key()
    assert untold.children("counter") == []
    for _ in range(8):
        assert newest(untold, key)["completion_tokens"] == of_text(SAID)
    (counter,) = untold.children("counter")
    assert loaded(counter)
    for worker in untold.children("worker"):
        assert not loaded(worker)
        assert worker.memory_info().rss < _MOST_OF_A_WORKER


def test_after_a_kill_the_next_tokens_are_counted_by_its_successor(untold: Running) -> None:
    key = untold.key()
    exact = count(of_prompt({"messages": ASKED})), of_text(SAID)
    for _ in range(3):
        row = newest(untold, key)
        assert (row["prompt_tokens"], row["completion_tokens"]) == exact
        untold.kill(untold.children("counter")[0])


def test_while_it_hangs_a_rougher_estimate_is_charged_and_marked(untold: Running) -> None:
    key = untold.key()
    newest(untold, key)
    (counter,) = untold.children("counter")
    counter.send_signal(signal.SIGSTOP)
    try:
        row = newest(untold, key)
    finally:
        os.kill(counter.pid, signal.SIGCONT)
    assert row["metadata"]["estimated"] is True
    assert row["completion_tokens"] == estimate.of_text(SAID) != of_text(SAID)
    assert "estimated" in untold.log.read_text()
