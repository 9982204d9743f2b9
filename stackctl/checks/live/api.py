"""Prometheus' query API (https://prometheus.io/docs/prometheus/latest/querying/api/), as far as checks need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from stackctl.errors import UnavailableError

_PATIENCE_S = 15.0


@dataclass(frozen=True)
class Sample:
    """One series of an instant query and its value."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True)
class LoadedAlert:
    """An alerting rule as Prometheus runs it now."""

    name: str
    query: str
    for_s: float
    state: str
    health: str
    last_error: str


class Prometheus:
    """A running Prometheus; every method raises UnavailableError if it does not answer."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url, timeout=_PATIENCE_S, trust_env=False)

    def __enter__(self) -> Prometheus:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def instant(self, query: str) -> list[Sample]:
        """The result now; a scalar is one sample without labels."""
        data = self._get("/api/v1/query", query=query)
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        return [Sample(item["metric"], float(item["value"][1])) for item in data["result"] if "value" in item]

    def label_values(self, label: str, match: str) -> list[str]:
        """The values a label has in series that match."""
        options = {"match[]": match} if match else {}
        values: list[str] = self._get(f"/api/v1/label/{label}/values", **options)
        return values

    def alerts(self) -> list[LoadedAlert]:
        """Every alerting rule that is loaded."""
        groups = self._get("/api/v1/rules", type="alert")["groups"]
        return [
            LoadedAlert(
                rule["name"],
                rule["query"],
                float(rule.get("duration", 0)),
                rule.get("state", "unknown"),
                rule.get("health", "unknown"),
                rule.get("lastError", ""),
            )
            for group in groups
            for rule in group["rules"]
        ]

    def _get(self, path: str, **params: str) -> Any:
        try:
            answer = self._http.get(path, params=params)
            body = answer.json()
        except httpx.HTTPError as error:
            reason = "no answer in time" if isinstance(error, httpx.TimeoutException) else str(error) or repr(error)
            remedy = "is it running? name it with --prometheus"
            raise UnavailableError(f"Prometheus does not answer at {self.url}: {reason}", remedy=remedy) from None
        except ValueError:
            raise UnavailableError(f"{self.url}{path} does not answer with JSON: is this a Prometheus?") from None
        if not isinstance(body, dict) or body.get("status") != "success":
            detail = body.get("error", "") if isinstance(body, dict) else ""
            raise UnavailableError(f"Prometheus at {self.url} refused a query: {detail or answer.status_code}")
        return body["data"]
