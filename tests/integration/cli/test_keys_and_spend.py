"""Keys, teams and spend through the command line, against a running gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import Finished, stackctl
from tests.integration.gateway.running import MASTER, Running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("cli"), workers=1) as running:
        yield running


def run(gateway: Running, *arguments: object) -> Finished:
    return stackctl(*arguments, "--url", gateway.url, STACKCTL_MASTER_KEY=MASTER)


def test_a_key_lives_through_the_command_line(gateway: Running) -> None:
    assert run(gateway, "teams", "create", "backend", "--budget", 10).code == 0
    made = run(
        gateway, "keys", "create", "ci", "--team", "backend", "--budget", 2, "--period", "1d", "--rpm", 60, "--json"
    )
    key = made.envelope["data"]["key"]
    assert gateway.chat(key).status_code == 200

    (listed,) = run(gateway, "keys", "list", "--team", "backend", "--json").envelope["data"]["keys"]
    assert (listed["alias"], listed["max_budget"], listed["rpm_limit"]) == ("ci", 2.0, 60)
    assert listed["spend"] > 0

    assert run(gateway, "keys", "update", "ci", "--rpm", 90).code == 0
    assert run(gateway, "keys", "info", "ci", "--json").envelope["data"]["keys"][0]["rpm_limit"] == 90
    assert run(gateway, "keys", "block", "ci").code == 0
    assert gateway.chat(key).status_code == 401
    assert run(gateway, "keys", "unblock", "ci").code == 0
    assert gateway.chat(key).status_code == 200
    assert run(gateway, "keys", "delete", "ci").code == 0
    assert gateway.chat(key).status_code == 401
    assert run(gateway, "teams", "delete", "backend").code == 0


def test_a_blocked_team_s_keys_are_refused(gateway: Running) -> None:
    assert run(gateway, "teams", "create", "away").code == 0
    made = run(gateway, "keys", "create", "awayer", "--team", "away", "--budget", 2, "--soft-budget", 1, "--json")
    key = made.envelope["data"]["key"]
    assert gateway.admin("GET", "/key/info", params={"key": key})["info"]["soft_budget"] == 1
    assert run(gateway, "teams", "info", "away", "--json").envelope["data"]["keys"] == ["awayer"]
    assert run(gateway, "teams", "block", "away").code == 0
    assert gateway.chat(key).status_code == 401
    assert run(gateway, "teams", "unblock", "away").code == 0
    assert gateway.chat(key).status_code == 200
    assert run(gateway, "teams", "delete", "away").code == 0


def test_a_key_is_shown_once_and_nowhere_else(gateway: Running) -> None:
    key = run(gateway, "keys", "create", "shown", "--json").envelope["data"]["key"]
    for arguments in (["keys", "list"], ["keys", "info", "shown"], ["spend", "--by", "key"]):
        done = run(gateway, *arguments, "--json")
        assert key not in done.out + done.err


def test_spend_adds_up_and_is_written_to_files(gateway: Running, tmp_path: Path) -> None:
    key = run(gateway, "keys", "create", "spender", "--json").envelope["data"]["key"]
    for _ in range(3):
        assert gateway.chat(key, mock={"prompt_tokens": 1000, "completion_tokens": 100}).status_code == 200
    done = run(
        gateway,
        "spend",
        "--by",
        "key",
        "--since",
        "1h",
        "--csv",
        tmp_path / "s.csv",
        "--html",
        tmp_path / "s.html",
        "--json",
    )
    total = {total["name"]: total for total in done.envelope["data"]["totals"]}["spender"]
    assert total["requests"] == 3
    assert total["cost"] == pytest.approx(3 * (1000 * 2.5e-6 + 100 * 10e-6), abs=1e-9)
    assert "spender" in (tmp_path / "s.csv").read_text()
    assert "<svg" in (tmp_path / "s.html").read_text()


def test_limits_are_set_shown_and_taken_away(gateway: Running) -> None:
    assert run(gateway, "teams", "create", "small", "--model", "demo", "--rpm", 50, "--soft-budget", 1).code == 0
    assert run(gateway, "keys", "create", "limited", "--budget", 2, "--period", "7d", "--soft-budget", 1.5).code == 0
    done = run(gateway, "keys", "update", "limited", "--team", "small", "--rpm", 9, "--expires", "2d")
    assert (done.code, done.err) == (0, "")
    told = {line[:21].strip(): line[21:].strip() for line in done.out.splitlines()}
    assert {"team": "small", "budget": "$2", "soft budget": "$1.5", "requests per minute": "9"}.items() <= told.items()
    assert told["expires"] != "never"
    assert run(gateway, "keys", "update", "limited", "--remove", "budget", "--remove", "rpm").code == 0
    (key,) = run(gateway, "keys", "info", "limited", "--json").envelope["data"]["keys"]
    assert (key["max_budget"], key["budget_duration"], key["rpm_limit"], key["soft_budget"]) == (None, None, None, 1.5)
    assert run(gateway, "teams", "update", "small", "--remove", "models", "--tpm", 700).code == 0
    (team,) = run(gateway, "teams", "info", "small", "--json").envelope["data"]["teams"]
    assert (team["models"], team["rpm_limit"], team["tpm_limit"], team["soft_budget"]) == ([], 50, 700, 1.0)
    assert run(gateway, "teams", "block", "small").code == 0
    assert "blocked" in run(gateway, "teams", "list").out


def test_models_tell_where_they_go_and_what_they_cost(gateway: Running) -> None:
    done = run(gateway, "models", "--json").envelope["data"]
    assert done["models"] == ["demo"]
    (one,) = done["deployments"]
    assert (one["upstream"], one["input_usd_per_million"], one["output_usd_per_million"]) == ("mock/demo", 2.5, 10.0)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["keys", "info", "nobody"], 2),
        (["keys", "create", "x", "--period", "soon"], 2),
        (["keys", "create", "x", "--model", "nobodys"], 2),
        (["teams", "update", "nobody", "--budget", "1"], 2),
        (["teams", "update", "nobody"], 2),
        (["keys", "create", "x", "--team", "nobody"], 2),
        (["teams", "delete", "nobody"], 2),
        (["spend", "--by", "colour"], 2),
        (["spend", "--since", "yesterday-ish"], 2),
    ],
)
def test_a_mistake_is_one_line(gateway: Running, arguments: list[str], code: int) -> None:
    done = run(gateway, *arguments)
    assert (done.code, done.err.count("\n")) == (code, 1)


def test_without_a_master_key_nothing_is_asked(gateway: Running) -> None:
    done = stackctl("keys", "list", "--url", gateway.url, STACKCTL_MASTER_KEY="")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "STACKCTL_MASTER_KEY" in done.err


def test_an_audit_tells_who_changed_what_and_which_keys_nobody_approved(gateway: Running) -> None:
    for alias in ("wild", "tame"):
        assert run(gateway, "keys", "create", alias, "--budget", 1).code == 0
    assert run(gateway, "keys", "update", "wild", "--budget", 3).code == 0
    assert run(gateway, "keys", "approve", "tame", "--by", "ann").code == 0
    done = run(gateway, "audit", "--json")
    assert done.code == 1
    found = {finding["alias"]: finding for finding in done.envelope["data"]["findings"]}
    assert found["wild"]["unapproved"] is True
    assert "tame" not in found
    assert {"key-unapproved"} <= {problem["id"] for problem in done.envelope["problems"]}
    update = next(c for c in done.envelope["data"]["changes"] if (c["what"], c["whom"]) == ("update", "wild"))
    assert (update["before"], update["after"]) == ({"max_budget": 1.0}, {"max_budget": 3.0})
    assert update["who"]
    storage = done.envelope["data"]["storage"]
    assert storage["suspicious"] == []
    assert {c["column"] for c in storage["columns"] if c["table"] == "ledger"} & {
        "messages",
        "prompt",
        "content",
    } == set()

    blocked = run(gateway, "keys", "block", "--unapproved", "--json").envelope["data"]["blocked"]
    assert "wild" in blocked
    assert "tame" not in blocked
    done = run(gateway, "audit")
    assert done.code == 0, done.out + done.err
    assert "none of the ledger's" in done.out
    assert run(gateway, "keys", "block").code == 2


def test_an_audit_sees_more_keys_than_a_page_holds(gateway: Running) -> None:
    for number in range(105):
        gateway.key(key_alias=f"many-{number:03}")
    assert run(gateway, "audit", "--json").envelope["data"]["keys"] >= 105
    assert len(run(gateway, "keys", "block", "--unapproved", "--json").envelope["data"]["blocked"]) >= 105
