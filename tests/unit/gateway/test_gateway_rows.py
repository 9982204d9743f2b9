"""What a worker writes of a request is what the accountant reads."""

from __future__ import annotations

import orjson

from gateway.api.accounting import row_of
from gateway.api.outcome import Outcome
from gateway.config import Deployment
from gateway.ledger import Row
from gateway.limits import Pass
from gateway.pricing import Price
from gateway.routing import Step
from gateway.tokens import Usage

KEY = {
    "hash": "the-hash", "alias": "the-alias", "series": "other", "team": "the-team", "team_id": "team-1", "models": [],
    "team_models": [], "blocked": False, "expires": None, "metered": True, "rated": True, "user_id": "user-1",
}  # fmt: skip


def test_every_field_of_a_row_is_in_its_place() -> None:
    deployment = Deployment(id="d-0", provider="vllm", model="upstream-model", api_base="http://127.0.0.1:1")
    outcome = Outcome("request-1")
    fields = {
        "started": 1000.0, "clock": 5.0, "model": "asked", "kind": "messages", "stream": True, "end_user": "end-user",
        "tags": ["a"], "metadata": {"b": 1}, "cache": "miss", "step": Step("served", deployment, Price(1, 2), False),
        "attempts": (("d-0", "vllm", 200),), "usage": Usage(1, 2, 3, 4, 5, 6, 7, estimated=True), "cost": 8,
        "status": 499, "error_type": "client_closed_request", "first_token": 5.25,
    }  # fmt: skip
    for name, value in fields.items():
        assert hasattr(outcome, name)
        setattr(outcome, name, value)
    line = orjson.dumps(row_of(outcome, Pass(KEY), 1.5, 9, 1, 10, 11))
    row = Row(*orjson.loads(line))
    assert row == Row(
        request_id="request-1", started=1000.0, key="the-hash", alias="the-alias", team_id="team-1", team="the-team",
        model="asked", user_id="user-1", end_user="end-user", kind="messages", served_model="served",
        deployment="d-0", provider="vllm", upstream_model="upstream-model", prompt_tokens=1, completion_tokens=2,
        cached_tokens=3, cache_write_tokens=4, reasoning_tokens=5, audio_prompt_tokens=6, audio_completion_tokens=7,
        cost=8, priced=1, estimated=1, cache="miss", status=499, error_type="client_closed_request", stream=1,
        ttft_ms=250.0, duration_ms=1500.0, attempts='[["d-0","vllm",200]]',
        tags='["a"]', metadata='{"b":1}', released=9, slot=1, reserved_tokens=10, minute=11,
    )  # fmt: skip
