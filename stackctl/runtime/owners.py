"""Make the teams and keys of the spec at a LiteLLM: it keeps them in its database, not in its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackctl.client import GatewayClient, calls
from stackctl.render.gateway import MASTER_KEY_FILE
from stackctl.spec import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from stackctl.progress import Progress
    from stackctl.spec import Spec
    from stackctl.spec.model import Key
    from stackctl.spec.money import Budget
    from stackctl.stack import StackDir

_ADMIN_S = 60.0
"""LiteLLM's first answer after a start waits for its database migrations and caches."""


def declare_owners(stack: StackDir, spec: Spec, url: str, progress: Progress) -> None:
    """What the spec declares is there afterwards, with its budgets and limits; what it does not name is left alone.

    The bundled gateway reads them from its configuration: nothing is done for it. Raises UnavailableError or
    StackctlError with LiteLLM's reason; the stack goes on running.
    """
    if spec.gateway.engine == "bundled" or not (spec.teams or spec.keys):
        return
    if not (spec.own_postgres or spec.gateway.database.url != "sqlite"):
        progress.note(
            "LiteLLM has no database here, so the teams, keys and budgets of the spec are not made: "
            "it keeps them in PostgreSQL (gateway.database.url)"
        )
        return
    master_key = Secret(f"file:{MASTER_KEY_FILE}", stack.root).read()
    with progress.phase("make the teams and keys"), GatewayClient(url, master_key, timeout=_ADMIN_S) as gateway:
        for name in declare(gateway, spec, stack.root):
            progress.note(name)


def declare(gateway: GatewayClient, spec: Spec, root: Path) -> list[str]:
    """Make or correct every team and key of the spec; what was done, a line each. `root`: where secrets are."""
    return _teams(gateway, spec) + _keys(gateway, spec, root)


def _teams(gateway: GatewayClient, spec: Spec) -> list[str]:
    there, done = {team.alias: team for team in gateway.list_teams()}, []
    for wanted in spec.teams:
        budget, found = _budget(wanted.budget), there.get(wanted.name)
        if found is None:
            gateway.send(calls.new_team(wanted.name, **budget))
            done.append(f"made team {wanted.name}")
        elif any(getattr(found, name) != value for name, value in budget.items()):
            gateway.send(calls.update_team(found.id, **budget))
            done.append(f"changed the budget of team {wanted.name}")
    return done


def _keys(gateway: GatewayClient, spec: Spec, root: Path) -> list[str]:
    if not spec.keys:
        return []
    teams = {team.alias: team.id for team in gateway.list_teams()}
    there, done = {key.alias: key for key in gateway.list_keys()}, []
    for wanted in spec.keys:
        fields, found = _fields(wanted, teams), there.get(wanted.name)
        if found is None:
            secret = Secret(wanted.secret, root).read()
            gateway.send(calls.generate_key(wanted.name, models=wanted.models, key=secret, **fields))
            done.append(f"made key {wanted.name}")
        elif any(getattr(found, name) != value for name, value in fields.items()):
            gateway.send(calls.update_key(found.token, **fields))
            done.append(f"changed the limits of key {wanted.name}")
    return done


def _fields(key: Key, teams: dict[str, str]) -> dict[str, Any]:
    limits = {
        "team_id": teams.get(key.team) if key.team else None,
        "rpm_limit": key.rpm,
        "tpm_limit": key.tpm,
        "max_parallel_requests": key.max_parallel,
    }
    return {name: value for name, value in limits.items() if value is not None} | _budget(key.budget)


def _budget(budget: Budget | None) -> dict[str, Any]:
    return {"max_budget": budget.usd, "budget_duration": str(budget.period)} if budget else {}
