"""Where a stack that somebody else started is to be proven, as the command line gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from stackctl.errors import UsageError
from stackctl.proof.endpoints import Endpoints
from stackctl.spec import Secret
from stackctl.spec.secret import check_reference

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Given:
    """URLs, and references to secrets; a secret itself on a command line would stand in the process list."""

    gateway: str = ""
    prometheus: str = ""
    alertmanager: str = ""
    inbox: str = ""
    master_key: str = ""
    metrics_token: str = ""
    scraped_as: str = ""

    @property
    def is_empty(self) -> bool:
        return not any(vars(self).values())


def endpoints_given(given: Given, root: Path) -> Endpoints:
    """The endpoints; `file:` references are relative to `root`. Raises UsageError for what is missing or malformed."""
    needed = ("gateway", "prometheus", "alertmanager", "master_key")
    missing = [f"--{name.replace('_', '-')}" for name in needed if not getattr(given, name)]
    if missing:
        raise UsageError(f"{', '.join(missing)} is missing: all parts of the chain are asked", remedy="give it too")
    return Endpoints(
        gateway=http_url("--gateway", given.gateway),
        prometheus=http_url("--prometheus", given.prometheus),
        alertmanager=http_url("--alertmanager", given.alertmanager),
        inbox=http_url("--inbox", given.inbox) if given.inbox else "",
        master_key=_secret("--master-key", given.master_key, root),
        metrics_token=_secret("--metrics-token", given.metrics_token, root) if given.metrics_token else "",
        receiver="inbox" if given.inbox else "slack",
        scraped_as=http_url("--scraped-as", given.scraped_as) if given.scraped_as else "",
    )


def http_url(option: str, text: str) -> str:
    """The URL that an option gave, without a slash at its end; raises UsageError if it is none."""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that stays open
        valid = False
    if not valid:
        raise UsageError(f"{option} is not a URL", remedy=f"write it like {option} http://127.0.0.1:9090")
    return text.rstrip("/")


def _secret(option: str, reference: str, root: Path) -> str:
    try:
        return Secret(check_reference(reference), root).read()
    except ValueError as error:
        raise UsageError(f"{option}: {error}", remedy="env:NAME or file:path") from None
