"""Keys and teams over LiteLLM's paths."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import httpx
import pytest

from tests.integration.gateway.running import MASTER, Running
from tests.ports import free_port


def test_a_key_s_life(gateway: Running) -> None:
    made = gateway.admin(
        "POST",
        "/key/generate",
        json={
            "key_alias": "life",
            "team_id": "backend",
            "models": ["demo"],
            "max_budget": 1.5,
            "budget_duration": "7d",
            "metadata": {"owner": "me"},
            "duration": "1h",
        },
    )
    key = made["key"]
    assert key.startswith("sk-")
    assert gateway.chat(key).status_code == 200
    info = gateway.admin("GET", "/key/info", params={"key": key})["info"]
    assert info["max_budget"] == 1.5
    assert info["spend"] == pytest.approx(0.00034, abs=0.0001)
    assert info["metadata"] == {"owner": "me"}
    assert info["expires"] is not None
    gateway.admin("POST", "/key/block", json={"key": key})
    assert gateway.chat(key).status_code == 401
    assert gateway.total("litellm_requests_total", key="life", status="401") == 1
    gateway.admin("POST", "/key/unblock", json={"key": key})
    assert gateway.chat(key).status_code == 200
    gateway.admin("POST", "/key/update", json={"key": key, "models": ["unpriced"], "max_budget": 3})
    assert gateway.chat(key).status_code == 403
    assert gateway.admin("GET", "/key/info", params={"key": key})["info"]["max_budget"] == 3
    assert "life" in [
        k["key_alias"] for k in gateway.admin("GET", "/key/list", params={"return_full_object": True})["keys"]
    ]
    assert gateway.admin("POST", "/key/delete", json={"key_aliases": ["life"]}) == {"deleted_keys": ["life"]}
    for _ in range(6):
        assert gateway.chat(key).status_code == 401
    gateway.admin("GET", "/key/info", params={"key": key}, expect=404)


def test_a_deleted_key_s_gauges_vanish_and_its_counters_stay(gateway: Running) -> None:
    key = gateway.key(key_alias="gone", max_budget=1, rpm_limit=10, max_parallel_requests=2)
    gateway.chat(key)

    def gauges() -> set[str]:
        return {n for n, labels in gateway.samples() if dict(labels).get("key") == "gone" and "_total" not in n}

    state = {
        "litellm_budget_usd",
        "litellm_budget_spent_usd",
        "litellm_requests_limit",
        "litellm_requests_remaining",
        "litellm_max_parallel_requests",
    }
    gateway.until(lambda: state <= gauges(), "the gauges are there")
    gateway.admin("POST", "/key/delete", json={"keys": [key]})
    gateway.until(lambda: not state & gauges(), "the gauges are gone")
    assert gateway.total("litellm_requests_total", key="gone", status="200") == 1


def test_a_team_s_life(gateway: Running) -> None:
    team = gateway.admin("POST", "/team/new", json={"team_alias": "blue", "max_budget": 2})
    key = gateway.key(key_alias="blue-key", team_id=team["team_id"])
    assert gateway.chat(key).status_code == 200
    assert gateway.total("litellm_requests_total", team="blue", key="blue-key", status="200") == 1
    info = gateway.admin("GET", "/team/info", params={"team_id": team["team_id"]})
    assert info["team_info"]["spend"] > 0
    assert [k["key_alias"] for k in info["keys"]] == ["blue-key"]
    gateway.admin("POST", "/team/update", json={"team_id": team["team_id"], "max_budget": 4})
    teams = {t["team_alias"]: t for t in gateway.admin("GET", "/team/list")}
    assert teams["blue"]["max_budget"] == 4
    gateway.admin("POST", "/team/delete", json={"team_ids": [team["team_id"]]})
    assert gateway.chat(key).status_code == 401
    assert not [n for n, labels in gateway.samples() if n == "litellm_budget_usd" and ("team", "blue") in labels]


def test_what_has_no_effect_is_refused(gateway: Running) -> None:
    for body, field in (
        ({"max_budgte": 1}, "max_budgte"),
        ({"max_budget": -1}, "max_budget"),
        ({"budget_duration": "soon"}, "budget_duration"),
        ({"models": ["nope"]}, "nope"),
        ({"rpm_limit": 0}, "rpm_limit"),
    ):
        error = gateway.admin("POST", "/key/generate", json=body, expect=400)["error"]
        assert field in error["message"]
    gateway.admin("POST", "/key/generate", json={"team_id": "nope"}, expect=404)


def test_aliases_are_unique(gateway: Running) -> None:
    gateway.key(key_alias="twice")
    gateway.admin("POST", "/key/generate", json={"key_alias": "twice"}, expect=400)
    gateway.admin("POST", "/key/generate", json={"key_alias": "other"}, expect=400)


def test_admin_paths_need_the_master_key(gateway: Running) -> None:
    key = gateway.key(key_alias="curious")
    for headers in ({}, {"Authorization": f"Bearer {key}"}):
        assert gateway.http.get("/key/list", headers=headers).status_code == 401
        assert gateway.http.post("/key/generate", headers=headers, json={}).status_code == 401


def test_no_file_of_the_gateway_holds_a_key(gateway: Running) -> None:
    key = gateway.key(key_alias="secret", max_budget=1)
    gateway.chat(key)
    gateway.admin("GET", "/spend/logs")
    files = [path for path in gateway.state.rglob("*") if path.is_file()]
    assert any(path.suffix == ".sqlite" for path in files)
    for path in [*files, gateway.log]:
        assert key.encode() not in path.read_bytes(), path
    with sqlite3.connect(f"file:{gateway.state}/ledger.sqlite?mode=ro", uri=True) as database:
        assert database.execute("select count(*) from ledger").fetchone()[0] > 0
    database.close()


def test_rpm_and_parallel_limits_refuse_with_429(gateway: Running) -> None:
    key = gateway.key(key_alias="slow", rpm_limit=1_000_000, max_parallel_requests=1)
    assert [gateway.chat(key).status_code for _ in range(4)] == [200] * 4
    limited = gateway.key(key_alias="three", tpm_limit=10)
    assert gateway.chat(limited).status_code == 200
    answers = {gateway.chat(limited).status_code for _ in range(3)}
    # A minute may end in between: then one more request is right.
    assert 429 in answers


def test_the_admin_api_may_have_a_port_of_its_own(tmp_path: Path) -> None:
    port = free_port()
    gateway = Running(tmp_path, workers=2)
    gateway.config["listen"]["admin_port"] = port
    with gateway, Running.client(f"http://127.0.0.1:{port}") as admin:
        master = {"Authorization": f"Bearer {MASTER}"}

        def reachable() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return admin.get("/health/liveliness").status_code == 200
            return False

        gateway.until(reachable, "the admin API listens")
        made = admin.post("/key/generate", headers=master, json={"key_alias": "made-inside"})
        assert made.status_code == 200
        assert gateway.chat(made.json()["key"]).status_code == 200
        for path in ("/key/list", "/spend/logs", "/openapi.json"):
            assert admin.get(path, headers=master).status_code == 200
            assert gateway.http.get(path, headers=master).status_code == 404
        chat = {"model": "demo", "messages": [{"role": "user", "content": "hi"}]}
        answer = admin.post(
            "/v1/chat/completions", headers={"Authorization": f"Bearer {made.json()['key']}"}, json=chat
        )
        assert answer.status_code in (401, 404)
        # Whoever serves it comes back.
        gateway.kill(gateway.children("worker")[0])
        gateway.until(reachable, "the admin API is there again")


@pytest.mark.parametrize("value", ["479346299823535511568384", '"\\ud800"', "[" * 300 + "]" * 300])
def test_metadata_that_cannot_be_kept_is_refused(gateway: Running, value: str) -> None:
    body = f'{{"team_alias": "cannot-be-kept", "metadata": {{"a": {value}}}}}'
    headers = {"Authorization": f"Bearer {MASTER}", "Content-Type": "application/json"}
    answer = gateway.http.post("/team/new", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert "cannot be kept" in answer.json()["error"]["message"]
