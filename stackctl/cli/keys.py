"""keys: make, look at, change and end virtual keys on a running gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackctl.cli import keys_view
from stackctl.cli.limits import Limit, fields_of
from stackctl.cli.options import HERE, Directory, Json, Url
from stackctl.cli.output import command
from stackctl.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.console import RenderableType

    from stackctl.client import GatewayClient, KeyInfo

keys = typer.Typer(help="Make, look at, change and end virtual keys.", rich_markup_mode=None)

Alias = Annotated[str, typer.Argument(help="The key's alias.")]
Models = Annotated[
    list[str] | None, typer.Option("--model", help="A model it may call; give it again for more. All by default.")
]
Budget = Annotated[float | None, typer.Option(help="Budget in USD per period.", min=0)]
Soft = Annotated[
    float | None, typer.Option("--soft-budget", help="USD at which somebody wants to know; nothing is refused.", min=0)
]
Period = Annotated[str | None, typer.Option(help="The budget's period, such as 30d.")]
Rpm = Annotated[int | None, typer.Option(help="Requests per minute.", min=1)]
Tpm = Annotated[int | None, typer.Option(help="Tokens per minute.", min=1)]
Parallel = Annotated[int | None, typer.Option("--max-parallel", help="Requests at the same time.", min=1)]
Expires = Annotated[str | None, typer.Option(help="The key ends after this long, such as 90d.")]
Remove = Annotated[
    list[Limit] | None, typer.Option("--remove", help="Take this limit away; give it again for more of them.")
]


@keys.command("create")
@command("keys create")
def create(
    alias: Alias,
    team: Annotated[str | None, typer.Option(help="The team that pays.")] = None,
    model: Models = None,
    budget: Budget = None,
    soft_budget: Soft = None,
    period: Period = None,
    rpm: Rpm = None,
    tpm: Tpm = None,
    max_parallel: Parallel = None,
    expires: Expires = None,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Make a key. It is shown once: only its hash is kept."""
    from stackctl.cli.connect import connect

    with connect(directory, url) as gateway:
        made = gateway.generate_key(
            alias,
            team_id=_team_id(gateway, team),
            models=model or (),
            max_budget=budget,
            soft_budget=soft_budget,
            budget_duration=period,
            rpm_limit=rpm,
            tpm_limit=tpm,
            max_parallel_requests=max_parallel,
            duration=expires,
        )
    return Result({"alias": alias, "key": made.key}, view=_made)


@keys.command("list")
@command("keys list")
def list_keys(
    team: Annotated[str | None, typer.Option(help="Only this team's keys.")] = None,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Every key with its team, limits, budget and what it has spent of it."""
    from stackctl.cli.connect import connect

    with connect(directory, url) as gateway:
        wanted = _team_id(gateway, team)
        teams = {each.id: each.alias for each in gateway.list_teams()}
        found = [key for key in gateway.list_keys() if team is None or key.team_id == wanted]
    found.sort(key=lambda key: key.alias)
    return Result({"keys": [_with_team(key, teams) for key in found]}, view=keys_view.table)


@keys.command("info")
@command("keys info")
def info(
    alias: Alias,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """All that is known of one key."""
    from stackctl.cli.connect import connect

    with connect(directory, url) as gateway:
        return _about(gateway, alias)


@keys.command("update")
@command("keys update")
def update(
    alias: Alias,
    team: Annotated[str | None, typer.Option(help="The team that pays from now on.")] = None,
    model: Models = None,
    budget: Budget = None,
    soft_budget: Soft = None,
    period: Period = None,
    rpm: Rpm = None,
    tpm: Tpm = None,
    max_parallel: Parallel = None,
    expires: Expires = None,
    remove: Remove = None,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Change a key's team, models, limits or budget; what is not given stays."""
    from stackctl.cli.connect import connect
    from stackctl.client import calls
    from stackctl.errors import UsageError

    given = {
        "models": model, "max_budget": budget, "soft_budget": soft_budget, "budget_duration": period,
        "rpm_limit": rpm, "tpm_limit": tpm, "max_parallel_requests": max_parallel, "duration": expires,
    }  # fmt: skip
    gone = fields_of(remove or ())
    if team is None and not gone and all(value is None for value in given.values()):
        raise UsageError("nothing to change", remedy="say what: --budget, --rpm, --remove, ... (`--help` lists them)")
    with connect(directory, url) as gateway:
        key = _find(gateway, alias)
        gateway.send(calls.update_key(key.token, gone, team_id=_team_id(gateway, team), **given))
        return _about(gateway, alias)


@keys.command("rotate")
@command("keys rotate")
def rotate(
    alias: Alias,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Give a key a new secret; the old one stops working. Spend and limits stay."""
    from stackctl.cli.connect import connect
    from stackctl.client import calls

    with connect(directory, url) as gateway:
        made = gateway.send(calls.rotate_key(_find(gateway, alias).token))
    return Result({"alias": alias, "key": made.key}, view=_made)


@keys.command("approve")
@command("keys approve")
def approve(
    alias: Alias,
    by: Annotated[str, typer.Option(help="Who approves it; this machine's user by default.")] = "",
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Note in a key's metadata that somebody approved it. Keys of the spec need no approval."""
    import getpass
    from datetime import UTC, datetime

    from stackctl.cli.connect import connect
    from stackctl.client import calls

    who = by or getpass.getuser()
    with connect(directory, url) as gateway:
        key = _find(gateway, alias)
        noted = {**key.metadata, "approved_by": who, "approved_at": datetime.now(UTC).isoformat(timespec="seconds")}
        gateway.send(calls.update_key(key.token, metadata=noted))
    data = {"alias": alias, "approved_by": who}
    return Result(data, view=lambda data: [f"{data['alias']} is approved by {data['approved_by']}"])


@keys.command("block")
@command("keys block")
def block(
    alias: Annotated[str | None, typer.Argument(help="The key's alias.")] = None,
    unapproved: Annotated[
        bool, typer.Option("--unapproved", help="Every key that neither the spec declares nor anybody approved.")
    ] = False,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Refuse a key's requests from now on."""
    from stackctl.cli.connect import connect
    from stackctl.client import calls
    from stackctl.errors import UsageError

    if (alias is not None) == unapproved:
        raise UsageError("name one key, or --unapproved", remedy="`stackctl audit` lists unapproved keys")
    with connect(directory, url) as gateway:
        if alias is not None:
            gateway.send(calls.block_key(_find(gateway, alias).token))
            return Result({"alias": alias, "blocked": True}, view=lambda data: [f"{data['alias']} is blocked"])
        chosen = _unapproved(gateway, directory, url)
        for key in chosen:
            gateway.send(calls.block_key(key.token))
    return Result({"blocked": [key.alias for key in chosen]}, view=_blocked)


@keys.command("unblock")
@command("keys unblock")
def unblock(
    alias: Alias,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Let a blocked key in again."""
    from stackctl.cli.connect import connect
    from stackctl.client import calls

    with connect(directory, url) as gateway:
        gateway.send(calls.unblock_key(_find(gateway, alias).token))
    return Result({"alias": alias, "blocked": False}, view=lambda data: [f"{data['alias']} is let in again"])


@keys.command("delete")
@command("keys delete")
def delete(
    alias: Alias,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """End a key for good. Its ledger rows stay."""
    from stackctl.cli.connect import connect

    with connect(directory, url) as gateway:
        gateway.delete_keys(keys=[_find(gateway, alias).token])
    return Result({"alias": alias, "deleted": True}, view=lambda data: [f"{data['alias']} is deleted"])


def _unapproved(gateway: GatewayClient, directory: Path, url: str) -> list[KeyInfo]:
    from stackctl.audit import approved
    from stackctl.cli.audit import declared_keys

    declared = declared_keys(directory, url)
    found = [key for key in gateway.list_keys() if not key.blocked and not approved(key, declared)]
    return sorted(found, key=lambda key: key.alias)


def _blocked(data: dict[str, Any]) -> Iterable[RenderableType]:
    yield from (f"{alias} is blocked" for alias in data["blocked"])
    if not data["blocked"]:
        yield "every key is approved or blocked already"


def _find(gateway: GatewayClient, alias: str) -> KeyInfo:
    import difflib

    from stackctl.errors import UsageError

    known = {key.alias: key for key in gateway.list_keys()}
    if alias not in known:
        near = difflib.get_close_matches(alias, known, n=1)
        remedy = f"did you mean '{near[0]}'?" if near else "see `stackctl keys list`"
        raise UsageError(f"no key has the alias '{alias}'", remedy=remedy)
    return known[alias]


def _team_id(gateway: GatewayClient, team: str | None) -> str | None:
    from stackctl.cli.teams import find_team

    return None if team is None else find_team(gateway, team).id


def _about(gateway: GatewayClient, alias: str) -> Result:
    teams = {each.id: each.alias for each in gateway.list_teams()}
    return Result({"keys": [_with_team(_find(gateway, alias), teams)]}, view=keys_view.details)


def _with_team(key: KeyInfo, teams: dict[str, str]) -> dict[str, Any]:
    return key.as_json() | {"team": teams.get(key.team_id or "", key.team_id)}


def _made(data: dict[str, Any]) -> Iterable[RenderableType]:
    yield f"{data['alias']}: {data['key']}"
    yield "keep it: it is not shown again"
