"""What an audit says of a key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stackctl.audit import KeyFinding, examine
from stackctl.client.answers import KeyInfo, Team

NOW = datetime(2026, 11, 23, tzinfo=UTC)
FINE = {"token": "t", "alias": "k", "models": ("m",), "metadata": {"approved_by": "ann"}, "created": NOW}
TEAMS = [Team("rich", "Rich", max_budget=5.0), Team("poor", "Poor")]


def findings(**fields: object) -> list[KeyFinding]:
    key = KeyInfo(**{**FINE, **fields})  # type: ignore[arg-type]
    return examine([key], TEAMS, {"declared"}, timedelta(days=90), NOW)


def test_an_approved_key_in_use_with_models_of_its_own_is_fine() -> None:
    assert findings() == []


@pytest.mark.parametrize(
    "fields", [{"alias": "declared", "metadata": {}}, {"alias": "stackctl-test-1", "metadata": {}}]
)
def test_declared_keys_and_those_of_proofs_are_approved(fields: dict[str, object]) -> None:
    assert findings(**fields) == []


def test_what_nobody_approved_is_told_until_it_is_blocked_or_has_expired() -> None:
    (found,) = findings(metadata={})
    assert (found.unapproved, found.idle_days, found.over_privileged) == (True, None, ())
    assert findings(metadata={}, blocked=True) == []
    assert findings(metadata={}, expires=NOW) == []


def test_a_key_is_stale_by_its_last_use_or_else_by_its_age() -> None:
    (found,) = findings(last_active=NOW - timedelta(days=91))
    assert found.idle_days == 91
    assert findings(created=NOW - timedelta(days=400), last_active=NOW - timedelta(days=1)) == []
    (found,) = findings(created=NOW - timedelta(days=400))
    assert found.idle_days == 400


def test_every_model_without_a_budget_is_too_much() -> None:
    (found,) = findings(models=())
    assert found.over_privileged == (
        "may call every model",
        "has no budget",
        "has no rate limit",
        "never expires",
    )
    (found,) = findings(models=(), team_id="poor", rpm_limit=5, expires=NOW + timedelta(days=1))
    assert found.over_privileged == ("may call every model", "has no budget")
    assert findings(models=(), team_id="rich") == []
    assert findings(models=(), max_budget=1.0) == []
