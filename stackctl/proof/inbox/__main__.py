"""`python -m stackctl.proof.inbox --host H --port P --store DIR`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import uvicorn

from stackctl.errors import StackctlError
from stackctl.proof.inbox.app import create_app
from stackctl.proof.inbox.store import Store


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 1 when the store or the port cannot be had."""
    options = _parser().parse_args(arguments)
    try:
        store = Store(options.store)
    except (StackctlError, OSError) as error:
        sys.stderr.write(f"inbox: cannot keep messages in {options.store}: {error}\n")
        return 1
    try:
        uvicorn.run(
            create_app(store),
            host=options.host,
            port=options.port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=2,
        )
    finally:
        store.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stackctl.proof.inbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=9095, help="port to listen on (default: %(default)s)")
    parser.add_argument("--store", type=Path, required=True, help="directory that keeps the messages")
    return parser


if __name__ == "__main__":
    sys.exit(main())
