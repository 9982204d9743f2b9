"""Where a delivery is seen: in the inbox, or in Alertmanager's counters when the receiver is real Slack."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from stackctl.proof.observe.alertmanager import NotificationCounts

if TYPE_CHECKING:
    from stackctl.proof.observe.alertmanager import AlertmanagerApi
    from stackctl.proof.observe.inbox import InboxApi


@dataclass(frozen=True)
class Sighting:
    """Something was seen: when, on whose clock, and what exactly."""

    at: float
    clock: str
    evidence: dict[str, Any] = field(default_factory=dict)


class Receiver(Protocol):
    """Tells whether a notification about one alert arrived."""

    async def prepare(self) -> None:
        """Remember how things were before the first alert; raises UnavailableError."""
        ...

    async def seen(self, alert: str, label: str, state: str) -> Sighting | None:
        """The delivery of a message that says the alert is `state`, or None while there is none."""
        ...


class InboxReceiver:
    """Reads the messages themselves; the time is that of the inbox's clock."""

    def __init__(self, inbox: InboxApi) -> None:
        self._inbox = inbox

    async def prepare(self) -> None:
        await self._inbox.check_ready()

    async def seen(self, alert: str, label: str, state: str) -> Sighting | None:
        for message in await self._inbox.messages(alert, label):
            if message.state == state:
                evidence = {"message": message.seq, "title": message.title, "channel": message.channel}
                return Sighting(message.received, "inbox", evidence)
        return None


class SlackReceiver:
    """Counts: nobody can read a Slack channel through its webhook.

    Each notification waited for claims the next successful delivery of the integration, in the order of asking.
    """

    def __init__(self, alertmanager: AlertmanagerApi) -> None:
        self._alertmanager = alertmanager
        self._before = NotificationCounts()
        self._claims: dict[tuple[str, str, str], int] = {}

    async def prepare(self) -> None:
        self._before = await self._alertmanager.counts("slack")

    async def seen(self, alert: str, label: str, state: str) -> Sighting | None:
        claim = self._claims.setdefault((alert, label, state), len(self._claims) + 1)
        now = await self._alertmanager.counts("slack")
        delivered = int(now.delivered - self._before.delivered)
        failed = int(now.failed - self._before.failed)
        if delivered < claim or failed:
            return None
        evidence = {"slack_deliveries_since_start": delivered, "slack_failures_since_start": failed, "needed": claim}
        return Sighting(time.time(), "stackctl, reading Alertmanager's counters", evidence)
