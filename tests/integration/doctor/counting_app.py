"""A gateway as people start it by hand: an ASGI app that counts with prometheus_client, under bare uvicorn workers."""

from __future__ import annotations

import os
from typing import Any

from prometheus_client import CollectorRegistry, Counter, generate_latest, multiprocess

REQUESTS = Counter("litellm_proxy_total_requests_metric", "Requests.", ["model"])


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    if scope["path"].startswith("/metrics"):
        body = page()
    else:
        REQUESTS.labels(model="gpt-4o").inc()
        body = b"{}"
    headers = [(b"content-type", b"text/plain; version=0.0.4"), (b"x-worker", str(os.getpid()).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def page() -> bytes:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)
