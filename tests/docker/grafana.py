"""A stand-in for Grafana, which no package here provides: it wants what Grafana wants at its start, and answers for it.

It reads the admin password from the file GF_SECURITY_ADMIN_PASSWORD__FILE names, the provisioned data sources and the
dashboards of the providers as Grafana does, and ends with a reason if one of them would not load there: another
apiVersion, a secret file that is not to be read, a dashboard without a title, with a uid that another one has, or on
a data source that is not provisioned. It answers /api/health, /api/admin/settings, /api/datasources, /api/search,
/api/dashboards/uid/… in Grafana's shapes, and /api/datasources/proxy/uid/… with what the data source says. How
Grafana draws a dashboard is not shown by it.
"""

import base64
import hmac
import json
import os
import re
import signal
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

import yaml

PROVISIONING = Path(os.environ["GF_PATHS_PROVISIONING"])
_FILE = re.compile(r"\$__file\{([^}]*)\}")
_BUILT_IN = {"-- Grafana --", "-- Mixed --", "grafana"}


def refuse(reason: str) -> NoReturn:
    sys.exit(f"grafana: {reason}")


def settings() -> dict[str, dict[str, str]]:
    """GF_<SECTION>_<KEY>, with __FILE for the name of a file: what /api/admin/settings shows, secrets masked."""
    found: dict[str, dict[str, str]] = {}
    for name, value in os.environ.items():
        if name.startswith("GF_"):
            section, _, key = name.removeprefix("GF_").removesuffix("__FILE").lower().partition("_")
            found.setdefault(section, {})[key] = "*********" if "password" in key else value
    return found


def provisioned(kind: str, entries: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for file in sorted((PROVISIONING / kind).glob("*.yaml")):
        content = resolved(yaml.safe_load(file.read_text()))
        if content.get("apiVersion") != 1:
            refuse(f"{file}: apiVersion is not 1")
        found += content[entries]
    return found or refuse(f"nothing is provisioned under {PROVISIONING / kind}")


def resolved(value: Any) -> Any:
    """`value` with every $__file{…} replaced by what the file holds."""
    if isinstance(value, dict):
        return {key: resolved(each) for key, each in value.items()}
    if isinstance(value, list):
        return [resolved(each) for each in value]
    return _FILE.sub(lambda match: Path(match[1]).read_text().strip(), value) if isinstance(value, str) else value


def data_sources() -> dict[str, dict[str, Any]]:
    sources = {source["uid"]: source for source in provisioned("datasources", "datasources")}
    for uid, source in sources.items():
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", uid) or not {"name", "type", "access", "url"} <= source.keys():
            refuse(f"the data source {uid} is not complete")
    return sources


def dashboards(sources: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for provider in provisioned("dashboards", "providers"):
        for file in sorted(Path(provider["options"]["path"]).rglob("*.json")):
            model = json.loads(file.read_text())
            if not model.get("title") or not model.get("uid") or model["uid"] in found:
                refuse(f"{file} has no title or uid of its own")
            chosen = {f"${{{each['name']}}}": each["current"]["value"] for each in sources_chosen(model)}
            asked = {chosen.get(uid, uid) for uid in uids(model)}
            if not asked or asked - sources.keys() - _BUILT_IN:
                refuse(f"{file} asks the data sources {sorted(asked)}, and there are {sorted(sources)}")
            found[model["uid"]] = {"dashboard": model, "meta": {"folderUid": provider.get("folderUid", "")}}
    return found or refuse("no provider finds a dashboard")


def sources_chosen(model: dict[str, Any]) -> list[dict[str, Any]]:
    """The variables of a dashboard that choose a data source."""
    return [each for each in model.get("templating", {}).get("list", []) if each["type"] == "datasource"]


def uids(value: Any) -> set[str]:
    """Every data source that a dashboard names, as it names it."""
    if isinstance(value, list):
        return {uid for each in value for uid in uids(each)}
    if not isinstance(value, dict):
        return set()
    named = value.get("datasource")
    own = {named["uid"]} if isinstance(named, dict) and "uid" in named else set()
    return own | {uid for each in value.values() for uid in uids(each)}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == "/api/health":
            self.answer(200, {"database": "ok", "version": "stand-in", "commit": ""})
        elif path == "/metrics":
            self.answer(200, "grafana_stand_in 1\n")
        elif not self.is_admin():
            self.answer(401, {"message": "Invalid username or password"})
        elif path == "/api/admin/settings":
            self.answer(200, settings())
        elif path == "/api/datasources":
            shown = ("name", "uid", "type", "url", "access", "isDefault", "jsonData")
            self.answer(200, [{key: source.get(key) for key in shown} for source in SOURCES.values()])
        elif path == "/api/search":
            self.answer(200, [{"uid": uid, "folderUid": each["meta"]["folderUid"]} for uid, each in BOARDS.items()])
        elif (uid := path.rpartition("/")[2]) in BOARDS and path.startswith("/api/dashboards/uid/"):
            self.answer(200, BOARDS[uid])
        elif match := re.match(r"/api/datasources/proxy/uid/([^/]+)(/.*)", self.path):
            self.ask(SOURCES[match[1]], match[2])
        else:
            self.answer(404, {"message": "Not found"})

    def ask(self, source: dict[str, Any], path: str) -> None:
        request = urllib.request.Request(source["url"] + path)
        if source.get("basicAuth"):
            credentials = f"{source['basicAuthUser']}:{source['secureJsonData']['basicAuthPassword']}"
            request.add_header("Authorization", f"Basic {base64.b64encode(credentials.encode()).decode()}")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                self.answer(answer.status, json.loads(answer.read()))
        except urllib.error.HTTPError as error:
            self.answer(error.code, {"message": str(error)})

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


PASSWORD = Path(os.environ["GF_SECURITY_ADMIN_PASSWORD__FILE"]).read_text().strip()
if PASSWORD in ("", "admin"):
    refuse("the admin password is the default one")
SOURCES = data_sources()
BOARDS = dashboards(SOURCES)
(Path("/var/lib/grafana") / "grafana.db").touch()
# The first process of a container has no default action for SIGTERM.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
ThreadingHTTPServer(("0.0.0.0", 3000), Handler).serve_forever()
