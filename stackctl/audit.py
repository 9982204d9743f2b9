"""Which keys an auditor would ask about: unapproved, stale, over-privileged."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from stackctl.client.answers import KeyInfo, Team

TEST_PREFIX = "stackctl-test-"
"""Keys of a running proof; they end with it."""


@dataclass(frozen=True)
class KeyFinding:
    """One key and what is wrong with it; `over_privileged` holds one reason each."""

    alias: str
    team: str
    unapproved: bool
    idle_days: int | None
    over_privileged: tuple[str, ...]

    @property
    def wrong(self) -> bool:
        return self.unapproved or self.idle_days is not None or bool(self.over_privileged)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "alias": self.alias,
            "team": self.team,
            "unapproved": self.unapproved,
            "idle_days": self.idle_days,
            "over_privileged": list(self.over_privileged),
        }


def approved(key: KeyInfo, declared: Collection[str]) -> bool:
    """Whether the spec declares a key, somebody approved it (`stackctl keys approve`), or it belongs to a proof."""
    return key.alias in declared or key.alias.startswith(TEST_PREFIX) or bool(key.metadata.get("approved_by"))


def examine(
    keys: Iterable[KeyInfo], teams: Iterable[Team], declared: Collection[str], stale_after: timedelta, now: datetime
) -> list[KeyFinding]:
    """Every key that is wrong in some way and not blocked already."""
    by_id = {team.id: team for team in teams}
    found = []
    for key in keys:
        team = by_id.get(key.team_id or "")
        if key.blocked or (key.expires is not None and key.expires <= now):
            continue
        finding = KeyFinding(
            key.alias,
            team.alias if team else "",
            not approved(key, declared),
            _idle_days(key, stale_after, now),
            () if key.alias.startswith(TEST_PREFIX) else _too_much(key, team),
        )
        if finding.wrong:
            found.append(finding)
    return sorted(found, key=lambda finding: finding.alias)


def _idle_days(key: KeyInfo, stale_after: timedelta, now: datetime) -> int | None:
    last = key.last_active or key.created
    return (now - last).days if last is not None and now - last > stale_after else None


def _too_much(key: KeyInfo, team: Team | None) -> tuple[str, ...]:
    """A key that may call everything is fine within a budget, and one without a budget on models of its own."""
    budget = key.max_budget is not None or (team is not None and team.max_budget is not None)
    if key.models or budget:
        return ()
    reasons = ["may call every model", "has no budget"]
    if key.rpm_limit is None and key.tpm_limit is None:
        reasons.append("has no rate limit")
    if key.expires is None:
        reasons.append("never expires")
    return tuple(reasons)
