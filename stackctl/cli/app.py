"""The command tree. A command's module is imported when it is asked for, and imports what it works with when it runs."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from stackctl import __version__

_WHAT = "One spec in; a running, watched, alerting and proven LLM gateway stack out."
_COMMANDS = {
    "init": "init:init",
    "render": "bundle:render",
    "check": "check:check",
    "explain": "bundle:explain",
    "up": "lifecycle:up",
    "down": "lifecycle:down",
    "status": "lifecycle:status",
    "logs": "lifecycle:logs",
    "restart": "lifecycle:restart",
    "pull": "lifecycle:pull",
    "open": "lifecycle:open_",
    "validate": "proof:validate",
    "doctor": "doctor:doctor",
    "alerts": "alerts:alerts",
    "keys": "keys:keys",
    "teams": "teams:teams",
    "models": "teams:models",
    "spend": "spend:spend",
    "audit": "audit:audit",
    "import": "adopt:adopt",
    "verify-image": "images:verify_image",
    "images": "images:images",
    "catalogue": "catalogue:catalogue",
}
"""Command or group → the module of this package and what it is called there, in the order of --help."""


def app_for(word: str | None) -> typer.Typer:
    """The application for a command line that begins with `word`: with that command alone, or with all of them."""
    app = typer.Typer(
        name="stackctl",
        help=_WHAT,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help=_WHAT)(_root)
    for name in [word] if word in _COMMANDS else _COMMANDS:
        module, attribute = _COMMANDS[name].split(":")
        found = getattr(import_module(f"stackctl.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def _version(value: bool) -> None:
    if value:
        typer.echo(f"stackctl {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What holds for every command."""
