"""`python -m gateway serve|check`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gateway import __version__
from gateway.config import load
from gateway.errors import ConfigError, StartError
from gateway.process import log
from gateway.process.master import Master


def main(arguments: list[str] | None = None) -> int:
    """0 ended as told, 1 could not start or go on, 2 usage or an invalid config."""
    options = _parser().parse_args(arguments)
    try:
        config = load(options.config)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if options.command == "check":
        return 0
    log.set_up("master")
    try:
        Master(config, options.state).run()
    except StartError as error:
        sys.stderr.write(f"gateway: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gateway", description="The bundled LLM gateway.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run the gateway in the foreground")
    check = commands.add_parser("check", help="check a config file and its secrets")
    for command in (serve, check):
        command.add_argument("--config", type=Path, required=True, metavar="FILE")
    serve.add_argument("--state", type=Path, required=True, metavar="DIR", help="where files of this run live")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
