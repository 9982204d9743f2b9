"""Prometheus' HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/), as far as a proof needs it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from stackctl.spec.quantity import Duration
from stackctl.yaml_data import load_yaml

if TYPE_CHECKING:
    from stackctl.proof.observe.web import Web

LOOKBACK = "10m"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
TEST_LABEL = "stackctl_test"


@dataclass(frozen=True)
class Series:
    """One series with its samples, oldest first: (Unix seconds of the sample itself, value)."""

    labels: dict[str, str]
    samples: list[tuple[float, float]]


@dataclass(frozen=True)
class Rule:
    """An alerting rule as Prometheus runs it; `evaluated_at` is when it last did, on its own clock."""

    name: str
    query: str
    for_s: float
    keep_firing_s: float
    interval_s: float
    health: str
    last_error: str
    evaluated_at: float
    labels: dict[str, str]
    annotations: dict[str, str]


@dataclass(frozen=True)
class ActiveAlert:
    """An alert that is pending or firing; `active_at` is on Prometheus' clock."""

    state: str
    active_at: float
    value: str
    labels: dict[str, str]


@dataclass(frozen=True)
class Target:
    """A scrape target and how its last scrape went."""

    url: str
    job: str
    health: str
    last_error: str
    interval_s: float | None

    def serves(self, base_url: str) -> bool:
        """Whether this target is the part at `base_url`; all names of the loopback are one."""
        mine, other = urlsplit(self.url), urlsplit(base_url)
        same_host = mine.hostname == other.hostname or {mine.hostname, other.hostname} <= _LOOPBACK
        return same_host and mine.port == other.port


class PrometheusApi:
    """Every method raises UnavailableError when Prometheus does not answer."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self.url = web.url

    async def check_ready(self) -> None:
        await self._web.text("/-/ready")

    async def series(self, selector: str) -> list[Series]:
        """The raw samples of the last ten minutes, with the times at which they were taken."""
        data = await self._data("/api/v1/query", query=f"{selector}[{LOOKBACK}]")
        return [
            Series(item["metric"], [(float(at), float(value)) for at, value in item["values"]])
            for item in data["result"]
        ]

    async def rules(self) -> list[Rule]:
        """Every alerting rule that is loaded."""
        groups = (await self._data("/api/v1/rules", type="alert"))["groups"]
        return [_rule(rule, group) for group in groups for rule in group["rules"]]

    async def rule(self, name: str) -> Rule | None:
        return next((rule for rule in await self.rules() if rule.name == name), None)

    async def failing_recordings(self) -> list[str]:
        """Recording rules whose last evaluation failed, each with the reason."""
        groups = (await self._data("/api/v1/rules", type="record"))["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return [f"{rule['name']}: {rule.get('lastError')}" for rule in rules if rule.get("health") == "err"]

    async def alert(self, name: str, label: str) -> ActiveAlert | None:
        """The active alert of one test, firing rather than pending where there are several series."""
        found = (await self._data("/api/v1/alerts"))["alerts"]
        mine = [_active(a) for a in found if _is(a["labels"], name, label)]
        return max(mine, key=lambda alert: alert.state == "firing", default=None)

    async def state_since(self, name: str, label: str, state: str) -> float | None:
        """When Prometheus first wrote that the alert is in `state`: the time of that evaluation."""
        selector = f'ALERTS{{alertname="{name}",{TEST_LABEL}="{label}",alertstate="{state}"}}'
        return min((s.samples[0][0] for s in await self.series(selector) if s.samples), default=None)

    async def targets(self) -> list[Target]:
        found = (await self._data("/api/v1/targets", state="active"))["activeTargets"]
        return [_target(target) for target in found]

    async def alertmanagers(self) -> list[str]:
        """The URLs of the Alertmanagers that Prometheus sends to."""
        found = (await self._data("/api/v1/alertmanagers"))["activeAlertmanagers"]
        return [str(manager["url"]) for manager in found]

    async def reload_failed(self) -> bool:
        """Whether Prometheus refused the newest configuration and runs with an older one."""
        info = await self._data("/api/v1/status/runtimeinfo")
        return info.get("reloadConfigSuccess") is False

    async def scrape_interval(self) -> float | None:
        """The configured default, for targets that are not known yet."""
        config = load_yaml((await self._data("/api/v1/status/config"))["yaml"]) or {}
        return _seconds((config.get("global") or {}).get("scrape_interval"))

    async def _data(self, path: str, **params: str) -> Any:
        return (await self._web.json(path, **params))["data"]


def _rule(rule: dict[str, Any], group: dict[str, Any]) -> Rule:
    return Rule(
        name=rule["name"],
        query=rule["query"],
        for_s=float(rule.get("duration") or 0),
        keep_firing_s=float(rule.get("keepFiringFor") or 0),
        interval_s=float(group["interval"]),
        health=rule.get("health") or "unknown",
        last_error=rule.get("lastError") or "",
        evaluated_at=datetime.fromisoformat(rule["lastEvaluation"]).timestamp(),
        labels=rule.get("labels") or {},
        annotations=rule.get("annotations") or {},
    )


def _active(alert: dict[str, Any]) -> ActiveAlert:
    active_at = datetime.fromisoformat(alert["activeAt"]).timestamp()
    return ActiveAlert(alert["state"], active_at, alert.get("value", ""), alert["labels"])


def _target(target: dict[str, Any]) -> Target:
    return Target(
        url=target["scrapeUrl"],
        job=target["labels"].get("job", ""),
        health=target["health"],
        last_error=target.get("lastError") or "",
        interval_s=_seconds(target.get("scrapeInterval")),
    )


def _seconds(text: str | None) -> float | None:
    try:
        return Duration(text).seconds if text else None
    except ValueError:
        return None


def _is(labels: dict[str, str], name: str, label: str) -> bool:
    return labels.get("alertname") == name and labels.get(TEST_LABEL) == label
