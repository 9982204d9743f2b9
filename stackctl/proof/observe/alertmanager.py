"""Alertmanager's API v2 and its own metrics, as far as a proof needs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

from stackctl.proof.observe.prometheus import TEST_LABEL
from stackctl.yaml_data import load_yaml

if TYPE_CHECKING:
    from stackctl.proof.observe.web import Web


@dataclass(frozen=True)
class ManagedAlert:
    """An alert as Alertmanager holds it; times are on Alertmanager's clock, except `starts_at` (the sender's)."""

    state: str
    starts_at: float
    updated_at: float
    inhibited_by: list[str]
    silenced_by: list[str]
    receivers: list[str]


@dataclass(frozen=True)
class NotificationCounts:
    """What Alertmanager counted for one kind of integration since it started.

    `attempts` counts finished tries, `failed_attempts` those that did not succeed, `failed` the notifications given up.
    """

    attempts: float = 0.0
    failed_attempts: float = 0.0
    failed: float = 0.0
    reasons: tuple[str, ...] = ()

    @property
    def delivered(self) -> float:
        return self.attempts - self.failed_attempts


class AlertmanagerApi:
    """Every method raises UnavailableError when Alertmanager does not answer."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self.url = web.url

    async def check_ready(self) -> None:
        await self._web.text("/-/ready")

    async def alert(self, name: str, label: str) -> ManagedAlert | None:
        """The alert of one test, whether it is muted or not."""
        found = await self._web.json("/api/v2/alerts", filter=[f'{TEST_LABEL}="{label}"', f'alertname="{name}"'])
        return next((_managed(alert) for alert in found), None)

    async def post(self, alert: dict[str, object]) -> None:
        """Report one alert, as Prometheus does: labels, annotations, startsAt and endsAt (RFC 3339)."""
        await self._web.post("/api/v2/alerts", [alert])

    async def config(self) -> dict[str, Any]:
        """The configuration it runs with; secrets are blanked by Alertmanager itself."""
        status = await self._web.json("/api/v2/status")
        return load_yaml(status["config"]["original"]) or {}

    async def counts(self, integration: str) -> NotificationCounts:
        return parse_counts(await self._web.text("/metrics"), integration)


def parse_counts(page: str, integration: str) -> NotificationCounts:
    """Read the counters of one integration from Alertmanager's /metrics."""
    totals: dict[str, float] = {}
    reasons: set[str] = set()
    lines = "\n".join(line for line in page.splitlines() if line.startswith("alertmanager_notification"))
    for family in text_string_to_metric_families(lines + "\n"):
        for sample in family.samples:
            if sample.labels.get("integration") == integration and "le" not in sample.labels:
                totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
                if sample.name == "alertmanager_notifications_failed_total" and sample.value:
                    reasons.add(sample.labels.get("reason", ""))
    return NotificationCounts(
        attempts=totals.get("alertmanager_notification_latency_seconds_count", 0.0),
        failed_attempts=totals.get("alertmanager_notification_requests_failed_total", 0.0),
        failed=totals.get("alertmanager_notifications_failed_total", 0.0),
        reasons=tuple(sorted(reasons - {""})),
    )


def _managed(alert: dict[str, Any]) -> ManagedAlert:
    return ManagedAlert(
        state=alert["status"]["state"],
        starts_at=datetime.fromisoformat(alert["startsAt"]).timestamp(),
        updated_at=datetime.fromisoformat(alert["updatedAt"]).timestamp(),
        inhibited_by=alert["status"]["inhibitedBy"],
        silenced_by=alert["status"]["silencedBy"],
        receivers=[receiver["name"] for receiver in alert["receivers"]],
    )
