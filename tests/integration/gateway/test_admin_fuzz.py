"""Whatever is sent to the admin API, by its own OpenAPI document: no 500, nothing undocumented, nobody else's data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.gateway.running import MASTER, Running

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
FOREIGN = "belongs-to-the-other-team"


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("fuzzed"), workers=1) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def known(fuzzed: Running) -> dict[str, list[str]]:
    """Names that exist, so that fuzzing gets past `not found`."""
    fuzzed.admin("POST", "/team/new", json={"team_id": FOREIGN, "team_alias": FOREIGN})
    fuzzed.admin("POST", "/user/new", json={"user_id": "somebody"})
    keys = [fuzzed.key(key_alias=f"{FOREIGN}-{n}", team_id=FOREIGN, metadata={"note": FOREIGN}) for n in range(3)]
    for key in keys:
        fuzzed.chat(key)
    return {"key": keys, "team_id": [FOREIGN], "user_id": ["somebody"], "key_alias": [f"{FOREIGN}-1"]}


def operations(gateway: Running) -> list[Any]:
    document = gateway.admin("GET", "/openapi.json")
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=gateway.url)
    return [found.ok() for found in schema.get_all_operations()]


def aimed(draw: Any, case: Any, known: dict[str, list[str]]) -> None:
    """Half of the cases name somebody who exists."""
    for place in (case.body, case.query, case.path_parameters):
        if isinstance(place, dict):
            for name, values in known.items():
                if name in place and draw(st.booleans()):
                    place[name] = draw(st.sampled_from(values))


def test_no_case_of_any_operation_is_a_server_error_or_undocumented(
    fuzzed: Running, known: dict[str, list[str]]
) -> None:
    found = operations(fuzzed)
    assert len(found) >= 30
    statuses = set()
    for operation in found:

        @settings(
            max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(data=st.data(), case=operation.as_strategy())
        def fuzz(data: Any, case: Any) -> None:
            aimed(data.draw, case, known)
            response = case.call(headers={"Authorization": f"Bearer {MASTER}"})
            statuses.add(response.status_code)
            case.validate_response(response, checks=CHECKS)
            if case.method.upper() == "GET":
                # What is stored of a key is its hash; its secret is in no answer but the one that made it.
                assert [key for key in known["key"] if key in response.text] == []

        fuzz()
    assert {200, 400, 404} <= statuses
    assert fuzzed.http.get("/health/readiness").status_code == 200
    log = fuzzed.log.read_text()
    assert "Traceback" not in log
    assert MASTER not in log
    assert [key for key in known["key"] if key in log] == []


def test_no_key_sees_anything_of_the_admin_api_or_of_another_team(fuzzed: Running, known: dict[str, list[str]]) -> None:
    mine = fuzzed.key(key_alias="mine", models=["demo"])
    for secret in (mine, "sk-not-a-key", MASTER + "x", MASTER[:-1], ""):
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        for operation in operations(fuzzed):
            if operation.path.startswith("/health"):
                continue
            path = operation.path.replace("{key}", known["key"][0])
            parameters = {"key": known["key"][0], "team_id": FOREIGN, "user_id": "somebody", "api_key": known["key"][0]}
            body = {"json": parameters} if operation.method.upper() == "POST" else {"params": parameters}
            answer = fuzzed.http.request(operation.method.upper(), path, headers=headers, **body)
            assert answer.status_code == 401, (path, answer.text)
            assert FOREIGN not in answer.text
    listed = fuzzed.http.get("/v1/models", headers={"Authorization": f"Bearer {mine}"})
    assert [model["id"] for model in listed.json()["data"]] == ["demo"]


def test_the_document_describes_every_path_and_is_itself_behind_the_master_key(fuzzed: Running) -> None:
    assert fuzzed.http.get("/openapi.json").status_code == 401
    document = fuzzed.admin("GET", "/openapi.json")
    paths = set(document["paths"])
    # What is not described cannot be compared with anything.
    for path, methods in document["paths"].items():
        for operation in methods.values():
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
            assert {"$ref", "type", "anyOf"} & schema.keys(), path
    assert {"/health", "/health/liveliness", "/health/readiness"} <= paths
    wanted = {"generate", "info", "list", "update", "regenerate", "block", "unblock", "delete"}
    assert {f"/key/{name}" for name in wanted} <= paths
    assert {"/team/new", "/team/info", "/team/update", "/team/list", "/spend/logs", "/model/info", "/audit"} <= paths
