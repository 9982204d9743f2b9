"""teams and models: who pays, and what can be called on a running gateway."""

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

    from stackctl.client import GatewayClient, Team

teams = typer.Typer(help="Make, look at, change and end teams.", rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="The team's name.")]
Budget = Annotated[float | None, typer.Option(help="Budget in USD per period.", min=0)]
Soft = Annotated[
    float | None, typer.Option("--soft-budget", help="USD at which somebody wants to know; nothing is refused.", min=0)
]
Period = Annotated[str | None, typer.Option(help="The budget's period, such as 30d.")]
Models = Annotated[
    list[str] | None, typer.Option("--model", help="A model its keys may call; give it again for more. All by default.")
]
Rpm = Annotated[int | None, typer.Option(help="Requests per minute of all its keys.", min=1)]
Tpm = Annotated[int | None, typer.Option(help="Tokens per minute of all its keys.", min=1)]
Remove = Annotated[
    list[Limit] | None, typer.Option("--remove", help="Take this limit away; give it again for more of them.")
]


@teams.command("create")
@command("teams create")
def create(
    name: Name,
    model: Models = None,
    budget: Budget = None,
    soft_budget: Soft = None,
    period: Period = None,
    rpm: Rpm = None,
    tpm: Tpm = None,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Make a team."""
    from stackctl.cli.connect import connect
    from stackctl.client import calls

    with connect(directory, url) as gateway:
        given = _given(model, budget, soft_budget, period, rpm, tpm)
        team = gateway.send(calls.new_team(name, **given))
    return Result({"teams": [team.as_json()]}, view=keys_view.teams)


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
    return Result({"teams": [team.as_json() for team in found]}, view=keys_view.teams)


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
    model: Models = None,
    budget: Budget = None,
    soft_budget: Soft = None,
    period: Period = None,
    rpm: Rpm = None,
    tpm: Tpm = None,
    remove: Remove = None,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Change a team's models, limits or budget; what is not given stays."""
    from stackctl.cli.connect import connect
    from stackctl.client import calls
    from stackctl.errors import UsageError

    given, gone = _given(model, budget, soft_budget, period, rpm, tpm), fields_of(remove or ())
    if not gone and all(value is None for value in given.values()):
        raise UsageError("nothing to change", remedy="say what: --budget, --rpm, --remove, ... (`--help` lists them)")
    with connect(directory, url) as gateway:
        team = find_team(gateway, name)
        gateway.send(calls.update_team(team.id, gone, **given))
        return Result({"teams": [find_team(gateway, name).as_json()]}, view=keys_view.teams)


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
    """The models a client may ask for, where they go, and at what price."""
    from stackctl.cli.connect import connect
    from stackctl.client import calls

    with connect(directory, url) as gateway:
        found = [each for each in gateway.send(calls.deployments()) if not each.hidden]
    names = list(dict.fromkeys(each.model for each in found))
    return Result({"models": names, "deployments": [each.as_json() for each in found]}, view=_models)


def _models(data: dict[str, Any]) -> Iterable[RenderableType]:
    from rich.table import Table

    table = Table("model", "deployment", "goes to", box=None, pad_edge=False)
    for title in ("USD per million in", "out"):
        table.add_column(title, justify="right")
    for each in data["deployments"]:
        prices = (each["input_usd_per_million"], each["output_usd_per_million"])
        shown = ["unpriced" if price is None else f"{price:,.4f}".rstrip("0").rstrip(".") for price in prices]
        table.add_row(each["model"], each["id"], each["upstream"], *shown)
    yield table


def _given(
    model: list[str] | None,
    budget: float | None,
    soft_budget: float | None,
    period: str | None,
    rpm: int | None,
    tpm: int | None,
) -> dict[str, Any]:
    return {
        "models": model, "max_budget": budget, "soft_budget": soft_budget, "budget_duration": period,
        "rpm_limit": rpm, "tpm_limit": tpm,
    }  # fmt: skip


def _set_blocked(directory: Path, url: str, name: str, blocked: bool) -> None:
    from stackctl.cli.connect import connect
    from stackctl.client import calls

    with connect(directory, url) as gateway:
        gateway.send(calls.block_team(find_team(gateway, name).id, blocked))


def _with_keys(data: dict[str, Any]) -> Iterable[RenderableType]:
    yield from keys_view.teams(data)
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
