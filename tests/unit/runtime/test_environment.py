"""Which secrets a spec asks of the environment, and what is remembered of them."""

from __future__ import annotations

import pytest

from stackctl.runtime.environment import secret_digests, secret_names
from stackctl.spec import parse_spec

SPEC = parse_spec(
    """
version: 1
name: secrets
gateway: {database: {url: "env:DATABASE_URL"}, metrics: {token: "file:secrets/metrics-token"}}
models: [{name: m, deployments: [{provider: openai, model: m, api_key: "env:OPENAI_API_KEY"}]}]
keys: [{name: k, secret: "env:APP_KEY"}]
"""
).spec


def test_every_env_reference_of_a_spec_is_found() -> None:
    assert secret_names(SPEC) == ("APP_KEY", "DATABASE_URL", "OPENAI_API_KEY")


def test_digests_differ_by_value_and_salt_and_hold_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "one")
    first = secret_digests(SPEC, "salt")
    assert set(first) == {"OPENAI_API_KEY"}
    assert first != secret_digests(SPEC, "pepper")
    monkeypatch.setenv("OPENAI_API_KEY", "two")
    assert first != secret_digests(SPEC, "salt")
    assert "one" not in first.values()
