"""The LiteLLM SDK as a client gets from the gateway what OpenAI's own library gets."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.fakes.brain import ARGUMENTS, CACHED, COMPLETION, PROMPT
from tests.integration.gateway.conformance.asking import IMAGE, IMAGE_URL
from tests.integration.gateway.conformance.conftest import Stack
from tests.integration.gateway.conformance.openai_clients import MESSAGES, SCHEMA, TOOLS, _said, collected
from tests.litellm_sdk import sdk_python

DRIVER = Path(__file__).with_name("litellm_driver.py")
UPSTREAMS = ("openai", "azure", "anthropic", "gemini")
PARTS = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": IMAGE_URL}}]
CALLED = {"tools": TOOLS, "tool_choice": "required"}
USAGE = {"stream_options": {"include_usage": True}}
FAILURES = {"status-400": 400, "status-401": 401, "status-429": 429, "status-500": 500, "silent": 504, "garbage": 502}

Answers = dict[str, dict[str, Any]]


def cases() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}

    def add(name: str, model: str, messages: Any = MESSAGES, stream: bool = False, **more: Any) -> None:
        found[name] = {"model": model, "messages": messages, "stream": stream, **more}

    for provider in (*UPSTREAMS, "mock"):
        good = f"{provider}-good"
        add(f"{provider} chat", good, more={"max_tokens": 50})
        add(f"{provider} stream", good, stream=True, more={"max_tokens": 50, **USAGE})
        add(f"{provider} tools", good, more=CALLED)
        add(f"{provider} tools stream", good, stream=True, more={**CALLED, **USAGE})
        add(f"{provider} silent", f"{provider}-silent")
    for provider in UPSTREAMS:
        add(f"{provider} image", f"{provider}-good", [{"role": "user", "content": PARTS}])
        add(f"{provider} json", f"{provider}-good", more={"response_format": SCHEMA})
        add(f"{provider} cut", f"{provider}-cut", stream=True)
        add(f"{provider} endless", f"{provider}-endless", stream=True, leave=True)
        for behaviour in FAILURES:
            add(f"{provider} {behaviour}", f"{provider}-{behaviour}")
    for provider in ("openai", "azure", "gemini"):
        found[f"{provider} embed"] = {"model": f"{provider}-embed", "input": ["one", "two"]}
    return found


def test_the_sdk_gets_what_other_clients_get(stack: Stack) -> None:
    """One process for all cases: the SDK takes seconds to import."""
    asked = cases()
    order = {"url": stack.gateway.url, "key": stack.key, "cases": list(asked.values())}
    done = subprocess.run(
        [sdk_python(), DRIVER], input=json.dumps(order), capture_output=True, text=True, timeout=220, check=False
    )
    assert done.returncode == 0, done.stderr
    answers = dict(zip(asked, json.loads(done.stdout), strict=True))
    for provider in UPSTREAMS:
        check_answers(answers, provider)
        check_failures(answers, provider)
        assert answers[f"{provider} endless"] == {"left_after": "on "}
        assert stack.fakes[provider].left.wait(30)
    check_mock(answers)
    for provider in ("openai", "azure", "gemini"):
        assert answers[f"{provider} embed"]["vectors"] == [[0.0, 0.5, -1.0], [1.0, 0.5, -1.0]]


def check_answers(answers: Answers, provider: str) -> None:
    plain, streamed = _said(answers[f"{provider} chat"]), collected(answers[f"{provider} stream"]["chunks"])[0]
    for said in (plain, streamed):
        assert said.text == f"Hello from {provider}"
        assert said.finish == "stop"
        assert (said.prompt, said.completion, said.cached) == (PROMPT, COMPLETION, CACHED)
    for said in (_said(answers[f"{provider} tools"]), collected(answers[f"{provider} tools stream"]["chunks"])[0]):
        assert said.calls == [("get_weather", ARGUMENTS), ("get_time", ARGUMENTS)]
        assert said.finish == "tool_calls"
    assert _said(answers[f"{provider} image"]).text == f"An image of {len(IMAGE)} bytes"
    assert json.loads(_said(answers[f"{provider} json"]).text) == ARGUMENTS


def check_failures(answers: Answers, provider: str) -> None:
    for behaviour, status in FAILURES.items():
        failed = answers[f"{provider} {behaviour}"]
        # The SDK has no error of its own for 502 and 504.
        assert failed["status"] in ((status,) if status < 500 else (status, 500, 503, 408)), (behaviour, failed)
        assert "10.1.2.3" not in failed["message"]
        assert "sk-upstream" not in failed["message"]
    assert answers[f"{provider} status-429"]["retry_after"] == "7"
    cut = answers[f"{provider} cut"]
    assert cut["text"]
    assert f"Hello from {provider}".startswith(cut["text"])
    assert cut["status"] is not None


def check_mock(answers: Answers) -> None:
    assert _said(answers["mock chat"]).text == "The gateway answers"
    assert collected(answers["mock stream"]["chunks"])[0].text == "The gateway answers"
    for said in (_said(answers["mock tools"]), collected(answers["mock tools stream"]["chunks"])[0]):
        assert said.calls == [("get_weather", {"city": "The gateway", "days": 1})]
    assert answers["mock silent"]["status"] is not None
