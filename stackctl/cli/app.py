"""The command tree. Command modules import what they work with only when they run, so that --help is quick."""

from __future__ import annotations

from typing import Annotated

import typer

from stackctl import __version__
from stackctl.cli import (
    adopt,
    alerts,
    audit,
    bundle,
    catalogue,
    check,
    doctor,
    images,
    init,
    keys,
    lifecycle,
    proof,
    spend,
    teams,
)

app = typer.Typer(
    name="stackctl",
    help="One spec in; a running, watched, alerting and proven LLM gateway stack out.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"stackctl {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """One spec in; a running, watched, alerting and proven LLM gateway stack out."""


app.command("init")(init.init)
app.command("render")(bundle.render)
app.command("check")(check.check)
app.command("explain")(bundle.explain)
app.command("up")(lifecycle.up)
app.command("down")(lifecycle.down)
app.command("status")(lifecycle.status)
app.command("logs")(lifecycle.logs)
app.command("restart")(lifecycle.restart)
app.command("pull")(lifecycle.pull)
app.command("open")(lifecycle.open_)
app.command("validate")(proof.validate)
app.command("doctor")(doctor.doctor)
app.add_typer(alerts.alerts, name="alerts")
app.add_typer(keys.keys, name="keys")
app.add_typer(teams.teams, name="teams")
app.command("models")(teams.models)
app.add_typer(spend.spend, name="spend")
app.command("audit")(audit.audit)
app.add_typer(adopt.adopt, name="import")
app.command("verify-image")(images.verify_image)
app.add_typer(images.images, name="images")
app.add_typer(catalogue.catalogue, name="catalogue")
