"""The public API through the front door, with the official client where it has one."""

from __future__ import annotations

import json
import socket

import openai
import pytest

from gateway.metrics.catalogue import catalogue
from tests.integration.gateway.running import MASTER, Running


@pytest.fixture(scope="module")
def key(gateway: Running) -> str:
    return gateway.key(key_alias="api", team_id="backend")


@pytest.fixture
def client(gateway: Running, key: str) -> openai.OpenAI:
    with openai.OpenAI(api_key=key, base_url=f"{gateway.url}/v1", max_retries=0) as made:
        yield made


def test_the_openai_client_completes(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="demo", messages=[{"role": "user", "content": "hi"}])
    assert answer.choices[0].message.content.startswith("The gateway answers")
    assert answer.usage.completion_tokens == 32


def test_the_openai_client_streams_and_gets_usage_when_it_asks(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="demo",
            messages=[{"role": "user", "content": "hi"}],
            stream=True,
            stream_options={"include_usage": True},
            extra_body={"mock": {"completion_tokens": 3}},
        )
    )
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "The gateway answers"
    assert chunks[-1].usage.completion_tokens == 3
    assert not chunks[-1].choices


def test_a_stream_holds_no_usage_unless_asked_for(gateway: Running, key: str) -> None:
    text = gateway.chat(key, stream=True, mock={"completion_tokens": 2}).text
    events = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert events[-1] == "[DONE]"
    assert all("usage" not in json.loads(event) for event in events[:-1])


def test_the_openai_client_sees_its_own_errors(client: openai.OpenAI) -> None:
    messages = [{"role": "user", "content": "hi"}]
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="demo", messages=messages, extra_body={"mock": {"error": 429}})
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="nope", messages=messages)
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="sk-wrong").chat.completions.create(model="demo", messages=messages)


def test_the_list_holds_no_hidden_model(client: openai.OpenAI) -> None:
    assert {model.id for model in client.models.list()} == {"demo", "unpriced", "broken"}


def test_a_hidden_model_answers_only_a_key_that_names_it(gateway: Running, key: str) -> None:
    named = gateway.key(key_alias="canary", models=["stackctl-canary"])
    assert gateway.chat(named, "stackctl-canary").status_code == 200
    assert gateway.chat(key, "stackctl-canary").status_code == 404
    denied = gateway.chat(named, "demo")
    assert denied.status_code == 403
    assert denied.json()["error"]["type"] == "key_model_access_denied"


def test_errors_have_openai_s_shape_with_the_code_as_a_string(gateway: Running, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    for content in (b"{", b"[]", b"{}", b'{"model":"demo"}', b'{"model":"demo","messages":"x"}'):
        answer = gateway.http.post("/v1/chat/completions", headers=headers, content=content)
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["code"] == "400"


def test_a_key_may_also_come_as_x_api_key(gateway: Running, key: str) -> None:
    body = {"model": "demo", "messages": [{"role": "user", "content": "hi"}]}
    answer = gateway.http.post("/v1/chat/completions", headers={"x-api-key": key}, json=body)
    assert answer.status_code == 200


def test_the_master_key_does_not_call_models(gateway: Running) -> None:
    answer = gateway.chat(MASTER)
    assert answer.status_code == 403
    assert "/key/generate" in answer.json()["error"]["message"]


def test_a_failing_model_falls_back_and_every_attempt_is_counted(gateway: Running) -> None:
    key = gateway.key(key_alias="fall")
    answer = gateway.chat(key, "broken")
    assert answer.status_code == 200
    assert answer.headers["x-litellm-model-id"] == "demo-0"
    count = gateway.total
    assert count("litellm_upstream_attempts_total", deployment="broken-0", status="500") == 1
    assert count("litellm_fallbacks_total", from_model="broken", to_model="demo", success="true") == 1
    assert count("litellm_requests_total", key="fall", model="broken", status="200") == 1
    assert gateway.chat(key, "broken", mock={"error": 503}).status_code == 503
    assert count("litellm_fallbacks_total", from_model="broken", to_model="demo", success="false") == 1
    assert count("litellm_errors_total", key="fall", error_type="api_error") == 1
    assert count("litellm_requests_total", key="fall") == 2


def test_invented_names_make_no_series(gateway: Running, key: str) -> None:
    gateway.chat(key, "invented-0")
    gateway.chat("sk-invented-0")
    before = set(gateway.samples())
    for number in range(1, 30):
        gateway.chat(key, f"invented-{number}")
        gateway.chat(f"sk-invented-{number}")
    new = set(gateway.samples()) - before
    # A second worker may only now meet its first unknown model; its labels are known already.
    assert not new
    assert gateway.total("litellm_requests_total", model="other", key="other", status="401") >= 30


def test_unpriced_tokens_are_counted_and_cost_nothing(gateway: Running) -> None:
    key = gateway.key(key_alias="free")
    before = gateway.total("litellm_unpriced_tokens_total", deployment="unpriced-0")
    gateway.chat(key, "unpriced", mock={"prompt_tokens": 5, "completion_tokens": 6})
    assert gateway.total("litellm_unpriced_tokens_total", deployment="unpriced-0") == before + 11
    assert gateway.total("litellm_spend_usd_total", key="free") == 0


def test_health_answers_and_spends_nothing(gateway: Running, key: str) -> None:
    gateway.chat(key)
    before = gateway.total("litellm_requests_total")
    assert gateway.http.get("/health/liveliness").json() == "I'm alive!"
    assert gateway.http.get("/health/liveness").status_code == 200
    ready = gateway.http.get("/health/readiness").json()
    assert ready["status"] == "healthy"
    assert ready["workers"] == 2
    report = gateway.http.get("/health").json()
    assert set(report["providers"]) == {"mock"}
    assert report["healthy_count"] + report["unhealthy_count"] == 4
    assert gateway.total("litellm_requests_total") == before


def test_a_client_that_leaves_a_stream_is_billed_for_what_it_got(gateway: Running) -> None:
    key = gateway.key(key_alias="leaver")
    body = {
        "model": "demo",
        "messages": [{"role": "user", "content": "x"}],
        "stream": True,
        "mock": {"completion_tokens": 500, "chunk_interval_s": 0.02},
    }
    headers = {"Authorization": f"Bearer {key}"}
    with gateway.http.stream("POST", "/v1/chat/completions", headers=headers, json=body) as answer:
        next(answer.iter_lines())
    gateway.until(lambda: gateway.total("litellm_requests_total", key="leaver", status="499") == 1, "the request ended")
    rows = gateway.admin("GET", "/spend/logs")
    row = next(row for row in rows if row["key_alias"] == "leaver")
    assert row["metadata"]["estimated"] is True
    assert 0 < row["completion_tokens"] < 500


def test_the_cost_of_a_stream_comes_after_it_to_who_reads_trailers(gateway: Running, key: str) -> None:
    body = b'{"model":"demo","stream":true,"messages":[{"role":"user","content":"x"}]}'
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n"
    said = {}
    for te in ("", "te: trailers\r\n"):
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as connection:
            connection.sendall(f"{head}{te}content-length: {len(body)}\r\n\r\n".encode() + body)
            said[te] = b"".join(iter(lambda: connection.recv(65536), b""))
    assert said[""].endswith(b"\r\n0\r\n\r\n")
    assert b"response-cost" not in said[""]
    start, _, end = said["te: trailers\r\n"].rpartition(b"\r\n0\r\n")
    assert b"trailer: x-litellm-response-cost\r\n" in start
    name, _, cost = end.strip().partition(b": ")
    assert name == b"x-litellm-response-cost"
    assert float(cost) > 0


def test_a_proxy_path_that_does_not_exist_is_404(gateway: Running) -> None:
    assert gateway.admin("GET", "/nowhere", expect=404)["error"]["code"] == "404"


def test_the_page_and_the_catalogue_are_equal_both_ways(gateway: Running, key: str) -> None:
    gateway.chat(key, stream=True)
    gateway.chat(key, mock={"error": 500})
    limited = gateway.key(key_alias="limits", max_budget=1, soft_budget=0.5, rpm_limit=100, max_parallel_requests=5)
    gateway.chat(limited)
    shown: dict[str, set[frozenset[str]]] = {}
    for name, labels in gateway.samples():
        family = next((name.removesuffix(end) for end in ("_bucket", "_sum", "_count") if name.endswith(end)), name)
        metric = family if family in catalogue() and catalogue()[family].kind == "histogram" else name
        shown.setdefault(metric, set()).add(frozenset(dict(labels)) - {"le"})
    assert shown == {metric.name: {frozenset(metric.labels)} for metric in catalogue().values()}
