"""The command line: parse, call, hand the result to the one renderer. Only here is anything printed."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the console script."""
    from stackctl.cli.app import app
    from stackctl.cli.output import run_app

    sys.exit(run_app(app, sys.argv[1:]))
