"""A stand-in for Grafana, which no package here provides: it wants what Grafana wants at its start, and answers for it.

It reads the admin password from the file GF_SECURITY_ADMIN_PASSWORD__FILE names, the provisioned data sources and the
dashboards directory, and refuses to start without any of them. /api/health, /api/datasources and /api/search answer
in Grafana's shapes. What Grafana does with a dashboard is not shown by it.
"""

import base64
import hmac
import json
import os
import re
import signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PASSWORD = Path(os.environ["GF_SECURITY_ADMIN_PASSWORD__FILE"]).read_text().strip()
PROVISIONING = Path(os.environ["GF_PATHS_PROVISIONING"])
SOURCES = [path.read_text() for path in sorted((PROVISIONING / "datasources").glob("*.yaml"))]
PROVIDERS = [path.read_text() for path in sorted((PROVISIONING / "dashboards").glob("*.yaml"))]
DASHBOARDS = [Path(found) for text in PROVIDERS for found in re.findall(r"^\s+path: (\S+)$", text, re.MULTILINE)]
assert PASSWORD not in ("", "admin")
assert SOURCES
assert DASHBOARDS
(Path("/var/lib/grafana") / "grafana.db").touch()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == "/api/health":
            self.answer(200, {"database": "ok", "version": "stand-in", "commit": ""})
        elif path == "/metrics":
            self.answer(200, "grafana_stand_in 1\n")
        elif not self.is_admin():
            self.answer(401, {"message": "Invalid username or password"})
        elif path == "/api/datasources":
            found = [
                dict(re.findall(r"^ +(?:- )?(name|uid|type|url|access): (\S+)$", text, re.MULTILINE))
                for text in SOURCES
            ]
            self.answer(200, found)
        elif path == "/api/search":
            files = [file for directory in DASHBOARDS for file in sorted(directory.rglob("*.json"))]
            self.answer(200, [{"uid": json.loads(file.read_text())["uid"]} for file in files])
        else:
            self.answer(404, {"message": "Not found"})

    def is_admin(self) -> bool:
        wanted = "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        return hmac.compare_digest(self.headers.get("Authorization", ""), wanted)

    def answer(self, status: int, body: object) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4" if isinstance(body, str) else "application/json")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


# The first process of a container has no default action for SIGTERM.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
ThreadingHTTPServer(("0.0.0.0", 3000), Handler).serve_forever()
