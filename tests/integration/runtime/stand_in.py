"""Plays `python -m gateway` and `python -m stackctl.proof.inbox`, so that these tests are about the runtime alone.

The runtime starts it through the same program definitions, by way of STACKCTL_PYTHON. `stand-in.json` in the working
directory (the bundle) may hold {"crash": part, "sick": part}.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def main(arguments: list[str]) -> None:
    part = "gateway" if "gateway" in arguments else "inbox"
    behaviour = _json(Path("stand-in.json"))
    if behaviour.get("crash") == part:
        sys.exit(f"the {part} stand-in cannot live like this")
    parser = argparse.ArgumentParser()
    for option in ("--config", "--state", "--host", "--port", "--store"):
        parser.add_argument(option)
    options, _ = parser.parse_known_args(arguments)
    port = int(options.port or _json(Path(options.config))["port"])
    sys.stderr.write(f"the {part} stand-in listens on {port}\n")
    _serve(port, {"status": "starting" if behaviour.get("sick") == part else "healthy", "version": "9.9.9"})


def _serve(port: int, health: dict[str, str]) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages = {
                "/health": json.dumps(health),
                "/health/readiness": json.dumps(health),
                "/metrics": "up_stand_in 1\n",
                "/environment": json.dumps(dict(os.environ)),
            }
            page = pages.get(self.path)
            sick = self.path == "/health/readiness" and health["status"] != "healthy"
            self.send_response(503 if sick else 200 if page else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write((page or "").encode())

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


def _json(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


if __name__ == "__main__":
    main(sys.argv[1:])
