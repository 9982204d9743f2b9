"""teams and models: who pays, and what can be called on a running gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackctl.cli.options import HERE, Directory, Json, Url
from stackctl.cli.output import command
from stackctl.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.console import RenderableType

    from stackctl.client import GatewayClient, Team

teams = typer.Typer(help="Make, look at, change and end teams.", rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="The team's name.")]
Budget = Annotated[float | None, typer.Option(help="Budget in USD per period.", min=0)]
Period = Annotated[str | None, typer.Option(help="The budget's period, such as 30d.")]


@teams.command("create")
@command("teams create")
def create(
    name: Name,
    budget: Budget = None,
    period: Period = None,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Make a team."""
    from stackctl.cli.connect import connect
    from stackctl.client import calls

    with connect(directory, url) as gateway:
        team = gateway.send(calls.new_team(name, max_budget=budget, budget_duration=period))
    return Result({"teams": [team.as_json()]}, view=_table)


@teams.command("list")
@command("teams list")
def list_teams(
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Every team with its budget and what it has spent of it."""
    from stackctl.cli.connect import connect

    with connect(directory, url) as gateway:
        found = sorted(gateway.list_teams(), key=lambda team: team.alias)
    return Result({"teams": [team.as_json() for team in found]}, view=_table)


@teams.command("info")
@command("teams info")
def info(
    name: Name,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """A team and its keys."""
    from stackctl.cli.connect import connect

    with connect(directory, url) as gateway:
        team = find_team(gateway, name)
        mine = sorted(key.alias for key in gateway.list_keys() if key.team_id == team.id)
    return Result({"teams": [team.as_json()], "keys": mine}, view=_with_keys)


@teams.command("block")
@command("teams block")
def block(
    name: Name,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Refuse the requests of all keys of a team from now on."""
    _set_blocked(directory, url, name, True)
    return Result({"team": name, "blocked": True}, view=lambda data: [f"{data['team']} is blocked"])


@teams.command("unblock")
@command("teams unblock")
def unblock(
    name: Name,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Let a blocked team in again."""
    _set_blocked(directory, url, name, False)
    return Result({"team": name, "blocked": False}, view=lambda data: [f"{data['team']} is let in again"])


@teams.command("update")
@command("teams update")
def update(
    name: Name,
    budget: Budget = None,
    period: Period = None,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Change a team's budget; what is not given stays."""
    from stackctl.cli.connect import connect
    from stackctl.client import calls

    with connect(directory, url) as gateway:
        team = find_team(gateway, name)
        gateway.send(calls.update_team(team.id, max_budget=budget, budget_duration=period))
        return Result({"teams": [find_team(gateway, name).as_json()]}, view=_table)


@teams.command("delete")
@command("teams delete")
def delete(
    name: Name,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """End a team and its keys for good. Its ledger rows stay."""
    from stackctl.cli.connect import connect

    with connect(directory, url) as gateway:
        gateway.delete_teams([find_team(gateway, name).id])
    return Result({"team": name, "deleted": True}, view=lambda data: [f"{data['team']} is deleted"])


@command("models")
def models(
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """The models a client may ask for."""
    from stackctl.cli.connect import connect

    with connect(directory, url) as gateway:
        return Result({"models": gateway.models()}, view=lambda data: data["models"])


def _set_blocked(directory: Path, url: str, name: str, blocked: bool) -> None:
    from stackctl.cli.connect import connect
    from stackctl.client import calls

    with connect(directory, url) as gateway:
        gateway.send(calls.block_team(find_team(gateway, name).id, blocked))


def _with_keys(data: dict[str, Any]) -> Iterable[RenderableType]:
    yield from _table(data)
    yield f"keys: {', '.join(data['keys']) or '-'}"


def find_team(gateway: GatewayClient, name: str) -> Team:
    """The team of that name; raises UsageError with the nearest one if there is none."""
    import difflib

    from stackctl.errors import UsageError

    known = {team.alias: team for team in gateway.list_teams()}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean '{near[0]}'?" if near else "see `stackctl teams list`"
        raise UsageError(f"no team is named '{name}'", remedy=remedy)
    return known[name]


def _table(data: dict[str, Any]) -> Iterable[RenderableType]:
    from rich.table import Table

    table = Table("team", "spent", "budget", box=None, pad_edge=False)
    for team in data["teams"]:
        budget = "-" if team["max_budget"] is None else f"${team['max_budget']:,.2f}"
        table.add_row(team["alias"], f"${team['spend']:,.4f}", budget)
    yield table
