"""Where the parts of a stack answer, whoever started them, and how a proof is to be made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ReceiverKind = Literal["inbox", "slack"]


@dataclass(frozen=True)
class Endpoints:
    """Base URLs of the parts.

    `receiver` says where the evidence of a delivery is: in the inbox, or, for a real Slack channel that nobody can
    read back, in Alertmanager's own notification counters. `inbox` may be empty then.
    """

    gateway: str
    prometheus: str
    alertmanager: str
    inbox: str = ""
    master_key: str = field(default="", repr=False)
    metrics_token: str = field(default="", repr=False)
    receiver: ReceiverKind = "inbox"
    scraped_as: str = ""
    """The gateway's base URL as Prometheus sees it, where that is another one (inside a container network)."""

    admin: str = ""
    """The admin API's base URL, where it is not the gateway's."""

    @property
    def administered_at(self) -> str:
        return self.admin or self.gateway

    @property
    def scrape_target(self) -> str:
        return self.scraped_as or self.gateway

    def urls(self) -> dict[str, str]:
        """The URLs by part, without credentials, for evidence."""
        parts = {"gateway": self.gateway, "prometheus": self.prometheus, "alertmanager": self.alertmanager}
        return {part: _without_user(url) for part, url in (parts | {"inbox": self.inbox}).items() if url}


@dataclass(frozen=True)
class Options:
    """How to prove.

    `proofs` is the directory for evidence and for the record of canaries (stack.proofs). `poll_s` bounds how late a
    hop is noticed; `margin_s` is what each hop may take beyond its own bound before it counts as failed.
    `thresholds` holds the alerts' thresholds where the spec changes them. `only_inject` is why this gateway's traffic
    can provoke no alert; every alert is then injected.
    """

    proofs: Path
    stack: str = ""
    budget_usd: float = 0.02
    poll_s: float = 0.2
    margin_s: float = 5.0
    thresholds: Mapping[str, float] = field(default_factory=dict)
    only_inject: str = ""


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host).geturl()
