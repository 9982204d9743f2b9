"""Options that several commands share, each with one spelling and one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Directory = Annotated[
    Path, typer.Option("--dir", "-C", help="The stack's directory.", show_default="the current directory")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON envelope on stdout and nothing else.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that were edited by hand.")]

Url = Annotated[
    str,
    typer.Option(help="Another gateway's address, such as a LiteLLM proxy's; its master key in STACKCTL_MASTER_KEY."),
]

HERE = Path()
