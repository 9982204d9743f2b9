"""The admin client turns answers into types and failures into one line without a key."""

from __future__ import annotations

import httpx
import pytest

from stackctl.client import GatewayClient, calls, faults
from stackctl.client.answers import KeyInfo, NewKey, Team
from stackctl.errors import StackctlError, UnavailableError

URL = "http://gw"


def answer(status: int, **options: object) -> httpx.Response:
    return httpx.Response(status, **options)  # type: ignore[arg-type]


def test_a_team_is_read_with_litellms_field_names() -> None:
    team = faults.read(URL, calls.new_team("x"), answer(200, json={"team_id": "t", "team_alias": "x", "extra": 1}))
    assert team == Team("t", "x")


def test_absent_options_are_not_sent() -> None:
    call = calls.generate_key("a", models=["m"], max_budget=0.02)
    assert call.body == {"key_alias": "a", "models": ["m"], "max_budget": 0.02}


def test_key_info_is_read_from_its_wrapping_and_from_lists() -> None:
    info = {"token": "hash", "key_alias": "a", "spend": 0.5, "max_budget": 1, "team_id": "t"}
    single = faults.read(URL, calls.key_info("sk-x"), answer(200, json={"key": "sk-x", "info": info}))
    assert single == KeyInfo("hash", "a", "t", max_budget=1.0, spend=0.5)
    listed = faults.read(URL, calls.list_keys(), answer(200, json={"keys": [info, "hash2"]}))
    assert listed == [single]


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (401, StackctlError, "refused the master key"),
        (403, StackctlError, "refused the master key"),
        (404, StackctlError, "answered 404 to POST /key/generate: no sk-… here"),
        (500, UnavailableError, "answered 500"),
    ],
)
def test_a_refusal_is_one_line_without_a_key(status: int, kind: type[StackctlError], says: str) -> None:
    body = {"error": {"message": "no sk-abcdefgh1234\nhere"}}
    with pytest.raises(kind) as caught:
        faults.read(URL, calls.generate_key("a"), answer(status, json=body))
    assert says in caught.value.message
    assert "abcdefgh" not in caught.value.message
    assert "\n" not in caught.value.message


def test_an_answer_of_another_program_is_named_as_such() -> None:
    with pytest.raises(StackctlError, match="something else than expected") as caught:
        faults.read(URL, calls.new_team("x"), answer(200, text="<html>"))
    assert "port" in caught.value.remedy


def test_a_gateway_that_is_not_there_is_unavailable() -> None:
    with (
        GatewayClient("http://127.0.0.1:9", "sk-master-secret") as gateway,
        pytest.raises(UnavailableError, match="the gateway does not answer") as caught,
    ):
        gateway.check_alive()
    assert "sk-" not in str(caught.value)
    assert "Errno" not in str(caught.value)


def test_a_new_key_does_not_show_itself() -> None:
    assert "sk-secret" not in repr(NewKey("sk-secret", "hash", "a"))
