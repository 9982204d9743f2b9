"""Ask each part over HTTP whether it is ready, and which version it is."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackctl.runtime.parts import Part

_ANSWER_S = 3.0


@dataclass(frozen=True, slots=True)
class Health:
    """The answer of one part. `reason` says why it is not healthy."""

    healthy: bool
    reason: str = ""
    version: str | None = None


class _NotReadyError(Exception):
    """The part answers, but not as a ready one does."""


class Prober:
    """Probes the parts of one stack. Proxies of the environment are not asked: every part is on this machine.

    `master_key` is the gateway's, where it tells its version to nobody else.
    """

    def __init__(self, parts: tuple[Part, ...], master_key: str = "") -> None:
        self._parts = {part.name: part for part in parts}
        self._master_key = master_key
        self._client = httpx.Client(trust_env=False, timeout=_ANSWER_S)
        self._probes: dict[str, Callable[[Part], str | None]] = {
            "gateway": self._gateway,
            "prometheus": self._prometheus,
            "alertmanager": self._alertmanager,
            "inbox": self._inbox,
            "grafana": self._grafana,
        }

    def __enter__(self) -> Prober:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def probe(self, part: Part) -> Health:
        """Whether the part is ready for its work; never raises for what the part does."""
        try:
            return Health(True, version=self._probes[part.name](part))
        except _NotReadyError as fault:
            return Health(False, str(fault))
        except httpx.TimeoutException:
            return Health(False, f"{part.url} gives no answer within {_ANSWER_S:g} s")
        except httpx.HTTPError:
            return Health(False, f"{part.url} refuses connections")
        except (ValueError, KeyError, TypeError):
            return Health(False, f"{part.url} answers something else than {part.name} does")

    def reload_state(self, part: Part) -> tuple[bool, float]:
        """(whether the last reload succeeded, when the last successful one was), from the part's own metrics."""
        samples = dict(line.rsplit(" ", 1) for line in self._get(part, "/metrics").text.splitlines() if line[:1] != "#")
        prefix = f"{part.name}_config_last_reload_success"
        return float(samples[f"{prefix}ful"]) == 1, float(samples[f"{prefix}_timestamp_seconds"])

    def _gateway(self, part: Part) -> str | None:
        response = self._client.get(part.url + "/health/readiness")
        if response.status_code not in (httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE):
            raise _NotReadyError(f"/health/readiness answers {response.status_code}")
        # With 503 it says what it waits for.
        answer = response.json()
        if answer["status"] != "healthy":
            raise _NotReadyError(f"it says it is {answer['status']}")
        version = answer.get("version") or answer.get("litellm_version")
        return _text(version) if version or not self._master_key else self._litellm(part)

    def _litellm(self, part: Part) -> str | None:
        """LiteLLM's version, which current releases tell to those who may see its settings only; None if not even them."""
        with contextlib.suppress(httpx.HTTPError, ValueError, AttributeError):
            address, headers = f"{part.url}/health/readiness/details", {"Authorization": f"Bearer {self._master_key}"}
            return _text(self._client.get(address, headers=headers).json().get("litellm_version"))
        return None

    def _prometheus(self, part: Part) -> str | None:
        self._get(part, "/-/ready")
        targets = self._json(part, "/api/v1/targets?state=active")["data"]["activeTargets"]
        gateway = self._parts["gateway"]
        if not any(urlsplit(target["scrapeUrl"]).port == gateway.seen_port for target in targets):
            raise _NotReadyError("the gateway is not among its scrape targets")
        return _text(self._json(part, "/api/v1/status/buildinfo")["data"]["version"])

    def _alertmanager(self, part: Part) -> str | None:
        self._get(part, "/-/ready")
        return _text(self._json(part, "/api/v2/status")["versionInfo"]["version"])

    def _inbox(self, part: Part) -> str | None:
        return _text(self._json(part, "/health").get("version"))

    def _grafana(self, part: Part) -> str | None:
        answer = self._json(part, "/api/health")
        if answer["database"] != "ok":
            raise _NotReadyError(f"its database is {answer['database']}")
        return _text(answer.get("version"))

    def _json(self, part: Part, path: str) -> Any:
        return self._get(part, path).json()

    def _get(self, part: Part, path: str) -> httpx.Response:
        auth = ("admin", part.password) if part.password else None
        response = self._client.get(part.url + path, auth=auth)
        if response.status_code != httpx.codes.OK:
            raise _NotReadyError(f"{path.split('?')[0]} answers {response.status_code}")
        return response


def _text(value: object) -> str | None:
    return None if value is None else str(value)
