"""A stand-in for the gateway: the admin paths a proof uses, a canary that costs money, and /metrics."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USD_PER_TOKEN = 1e-6


class StandIn:
    """In-memory teams and keys; every answer's cost is booked at once."""

    def __init__(self, port: int = 0) -> None:
        self.teams: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, dict[str, Any]] = {}
        self.errors: dict[str, int] = defaultdict(int)
        self.requests: dict[str, int] = defaultdict(int)
        self.expose_budgets = True
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def admin(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path == "/team/new":
            team = {"team_id": body["team_id"], "team_alias": body["team_alias"], "max_budget": body.get("max_budget")}
            self.teams[body["team_id"]] = team
            return 200, team
        if path == "/key/generate":
            key = f"sk-canary-{body['key_alias']}"
            self.keys[key] = {"key_alias": body["key_alias"], "team_id": body["team_id"], "spend": 0.0, **body}
            return 200, {"key": key, "token": "hash", "key_alias": body["key_alias"]}
        if path == "/key/delete":
            gone = [key for key, info in self.keys.items() if info["key_alias"] in body["key_aliases"]]
            for key in gone:
                del self.keys[key]
            return (200, {"deleted_keys": gone}) if gone else (404, {"error": {"message": "Key not found"}})
        if path == "/team/delete":
            gone = [team for team in body["team_ids"] if self.teams.pop(team, None)]
            return (200, {}) if gone else (404, {"error": {"message": "Team not found"}})
        return 404, {"error": {"message": "no such path"}}

    def chat(self, key: str, body: dict[str, Any]) -> tuple[int, Any, float]:
        info = self.keys.get(key)
        if info is None:
            return 401, {"error": {"message": f"unknown key {key}"}}, 0.0
        self.requests[info["key_alias"]] += 1
        mock = body["mock"]
        time.sleep(mock.get("latency_s", 0))
        if mock.get("error"):
            self.errors[info["key_alias"]] += 1
            return mock["error"], {"error": {"message": "mock error"}}, 0.0
        if info.get("max_budget") and info["spend"] >= info["max_budget"]:
            return 429, {"error": {"message": "Budget has been exceeded!"}}, 0.0
        cost = (mock.get("prompt_tokens", 1) + mock.get("completion_tokens", 1)) * USD_PER_TOKEN
        info["spend"] += cost
        return 200, {"choices": []}, cost

    def metrics(self) -> str:
        lines = []
        for info in self.keys.values():
            labels = f'{{key="{info["key_alias"]}",team="{info["team_id"]}"}}'
            if self.expose_budgets and info.get("max_budget"):
                lines += [f"litellm_budget_usd{labels} {info['max_budget']}"]
                lines += [f"litellm_budget_spent_usd{labels} {info['spend']}"]
        for alias in list(self.requests):
            lines += [f'litellm_requests_total{{key="{alias}"}} {self.requests[alias]}']
            lines += [f'litellm_errors_total{{key="{alias}"}} {self.errors[alias]}']
        return "\n".join([*lines, ""])


def _handler(gateway: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, gateway.metrics(), "text/plain; version=0.0.4")
            elif self.path.startswith("/team/list"):
                self._answer(200, json.dumps(list(gateway.teams.values())))
            elif self.path.startswith("/key/list"):
                keys = [{"token": "hash", "key_alias": info["key_alias"]} for info in gateway.keys.values()]
                self._answer(200, json.dumps({"keys": keys}))
            elif self.path == "/health/liveliness":
                self._answer(200, json.dumps("I'm alive!"))
            else:
                self._answer(404, "{}")

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/v1/chat/completions":
                status, answer, cost = gateway.chat(self.headers["Authorization"].removeprefix("Bearer "), body)
                self._answer(status, json.dumps(answer), cost=cost)
            else:
                status, answer = gateway.admin(self.path, body)
                self._answer(status, json.dumps(answer))

        def _answer(self, status: int, text: str, kind: str = "application/json", cost: float | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text.encode())))
            if cost is not None:
                self.send_header("x-litellm-response-cost", str(cost))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    return Handler
