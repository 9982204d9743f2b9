"""The command line: parse, call, hand the result to the one renderer. Only here is anything printed."""

from __future__ import annotations

import gc
import os
import sys

_MANY = 100_000


def main() -> None:
    """Entry point of the console script."""
    # A command makes many small objects that live to its end; looking through them again and again is a tenth of its time.
    gc.set_threshold(_MANY)
    # stackctl has no use for pydantic's plugins, and looking for some reads the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from stackctl.cli.app import app_for
    from stackctl.cli.output import run_app

    arguments = sys.argv[1:]
    sys.exit(run_app(app_for(arguments[0] if arguments else None), arguments))
