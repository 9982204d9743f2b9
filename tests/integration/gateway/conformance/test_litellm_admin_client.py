"""LiteLLM's own admin client, and the types of its proxy, take this gateway for a LiteLLM."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.integration.gateway.running import MASTER, Running
from tests.litellm_sdk import sdk_python

DRIVER = Path(__file__).with_name("litellm_admin_driver.py")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("litellm-admin"), workers=1) as running:
        running.chat(running.key(key_alias="before"), user="ann")
        yield running


@pytest.fixture(scope="module")
def told(gateway: Running) -> dict[str, Any]:
    order = json.dumps({"url": gateway.url, "master": MASTER})
    done = subprocess.run([sdk_python(), DRIVER], input=order, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:] + gateway.log.read_text()[-1000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_keys_made_by_litellm_s_client_are_what_it_asked_for(told: dict[str, Any]) -> None:
    made, full = told["made"], told["full"]
    assert made["key"].startswith("sk-")
    assert made["token"] == made["token_id"] == sha256(made["key"].encode()).hexdigest()
    assert (made["key_alias"], made["models"]) == ("lite-key", ["demo"])
    assert (full["max_budget"], full["budget_duration"], full["tpm_limit"]) == (1.0, "1d", 9)
    assert told["info"]["info"]["team_id"] == made["team_id"]
    assert told["rotated"]["key"] != full["key"]
    assert told["deleted"] == {"deleted_keys": [made["key"]]}


def test_lists_are_hashes_or_objects_and_filters_hold(told: dict[str, Any]) -> None:
    hashes = {told["made"]["token"], told["full"]["token"]}
    assert hashes < set(told["plain"]["keys"])
    (one,) = told["objects"]["keys"]
    assert (one["key_alias"], one["models"]) == ("lite-renamed", [])
    assert told["objects"]["total_count"] == 1


def test_a_key_may_ask_about_itself(told: dict[str, Any], gateway: Running) -> None:
    assert told["own"]["key"] == told["made"]["token"]
    mine, other = gateway.key(key_alias="mine"), gateway.key(key_alias="other-one")
    headers = {"Authorization": f"Bearer {mine}"}
    ask = lambda **params: gateway.http.get("/key/info", headers=headers, params=params)  # noqa: E731
    for own in ({}, {"key": mine}, {"key": sha256(mine.encode()).hexdigest()}, {"key_alias": "other-one"}):
        assert ask(**own).json()["info"]["key_alias"] == "mine"
    for foreign in (other, sha256(other.encode()).hexdigest()):
        assert ask(key=foreign).status_code == 401


def test_teams_users_and_models_have_litellm_s_fields(told: dict[str, Any], gateway: Running) -> None:
    assert told["team_info"]["team_info"]["max_budget"] == 5.0
    assert {"team_id", "team_info", "keys", "team_memberships"} <= told["team_info"].keys()
    assert "lite" in [team["team_alias"] for team in told["teams"]]
    assert {"user_id", "user_info", "keys", "teams"} <= told["user_info"].keys()
    assert [key["user_id"] for key in told["user_info"]["keys"]] == [told["user"]["user_id"]]
    assert told["user"]["user_id"] in [user["user_id"] for user in told["users"]]
    assert [model["id"] for model in told["models"]] == ["demo"]
    assert told["model_info"][0]["model_info"]["input_cost_per_token"] == 2.5e-6
    # Its key was deleted with it.
    assert gateway.chat(told["user"]["key"]).status_code == 401


def test_rows_of_the_ledger_have_the_fields_of_litellm_s_spend_logs(told: dict[str, Any]) -> None:
    (row,) = told["rows"]
    expected = {
        "request_id", "call_type", "api_key", "spend", "total_tokens", "prompt_tokens", "completion_tokens",
        "startTime", "endTime", "completionStartTime", "request_duration_ms", "model", "model_id", "model_group",
        "custom_llm_provider", "user", "end_user", "team_id", "metadata", "request_tags", "cache_hit", "status",
    }  # fmt: skip
    assert expected <= row.keys()
    assert (row["end_user"], row["status"], row["cache_hit"]) == ("ann", "success", "False")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"guardrails": ["pii"]}, "guardrails"),
        ({"model_max_budget": {"demo": 1}}, "model_max_budget"),
        ({"allowed_routes": ["/chat"]}, "allowed_routes"),
        ({"key_type": "management"}, "key_type"),
        ({"spend": 3}, "spend"),
    ],
)
def test_what_litellm_would_do_and_we_do_not_is_refused(gateway: Running, body: dict[str, Any], word: str) -> None:
    message = gateway.admin("POST", "/key/generate", expect=400, json=body)["error"]["message"]
    assert message == f"{word} is LiteLLM's and would have no effect here"
