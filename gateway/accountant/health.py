"""Provider state from the attempts that requests made anyway; nothing is spent to learn it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from gateway.config import Config

_DOWN_AFTER = 3
_MOST_SAID = 1024


@dataclass(slots=True)
class Recent:
    """The last attempts of one provider or deployment."""

    failures_in_a_row: int = 0
    last_status: int = 0
    last_at: float = 0.0

    @property
    def up(self) -> bool:
        return self.failures_in_a_row < _DOWN_AFTER

    def note(self, status: int, times: int, at: float) -> None:
        # A malformed request or a client that left says nothing about the provider.
        if status < 400:
            self.failures_in_a_row = 0
        elif status in (400, 413, 422, 499):
            return
        else:
            self.failures_in_a_row += times
        self.last_status, self.last_at = status, at


class ProviderHealth:
    """Providers and deployments of the config with what was last seen of them."""

    def __init__(self, config: Config) -> None:
        self.providers = {d.provider: Recent() for m in config.models for d in m.deployments}
        self._deployments = {d.id: (m.name, d, Recent()) for m in config.models for d in m.deployments}
        # What the attempts of a row say, by their JSON: nearly all rows say one of a few things.
        self._said: dict[str, list[tuple[Recent, int]]] = {}

    def note(self, attempts: str, requests: int, started: float) -> None:
        """Take in the attempts of requests that followed each other and went alike, the last of which `started`."""
        said = self._said.get(attempts)
        for recent, status in self._read(attempts) if said is None else said:
            recent.note(status, requests, started)

    def _read(self, attempts: str) -> list[tuple[Recent, int]]:
        """Of those that are in the config: a row may be older than it."""
        found = []
        for deployment, provider, status in orjson.loads(attempts):
            if provider in self.providers:
                found.append((self.providers[provider], status))
            if deployment in self._deployments:
                found.append((self._deployments[deployment][2], status))
        if len(self._said) < _MOST_SAID:
            self._said[attempts] = found
        return found

    def report(self) -> dict[str, Any]:
        """LiteLLM's `/health` shape, plus one entry per provider."""
        healthy: list[dict[str, Any]] = []
        unhealthy: list[dict[str, Any]] = []
        for identity, (model, deployment, recent) in self._deployments.items():
            entry = {"model": model, "model_id": identity, "provider": deployment.provider, **_seen(recent)}
            (healthy if recent.up else unhealthy).append(entry)
        return {
            "providers": {n: {"up": r.up, **_seen(r)} for n, r in sorted(self.providers.items())},
            "healthy_endpoints": healthy,
            "unhealthy_endpoints": unhealthy,
            "healthy_count": len(healthy),
            "unhealthy_count": len(unhealthy),
        }


def _seen(recent: Recent) -> dict[str, Any]:
    return {
        "last_status": recent.last_status or None,
        "last_attempt_at": recent.last_at or None,
        "failures_in_a_row": recent.failures_in_a_row,
    }
