"""Where the parts of a stack find each other and their secrets: on this machine, or inside its containers."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackctl.spec import Spec

CONTAINER_PORTS = {
    "gateway": 4000,
    "prometheus": 9090,
    "alertmanager": 9093,
    "inbox": 9095,
    "grafana": 3000,
    "postgres": 5432,
    "redis": 6379,
}
SECRETS_DIR = "/run/secrets"


def published_address(spec: Spec, part: str) -> str:
    """host:port of a part as one reaches it from this machine."""
    listening = {
        "gateway": (spec.gateway.host, spec.gateway.port),
        "prometheus": (spec.prometheus.host, spec.prometheus.port),
        "alertmanager": (spec.alertmanager.host, spec.alertmanager.port),
        "inbox": ("127.0.0.1", spec.alerts.inbox.port),
        "grafana": (spec.grafana.host, spec.grafana.port),
    }
    return address(*listening[part])


def internal_address(spec: Spec, part: str) -> str:
    """host:port of a part as the other parts reach it."""
    return f"{part}:{CONTAINER_PORTS[part]}" if spec.runtime == "compose" else published_address(spec, part)


def secret_path(spec: Spec, reference: str, folder: str) -> str:
    """The path at which a part reads the secret of a `file:` reference; `folder` leads to the stack's own folder."""
    if spec.runtime == "compose":
        return f"{SECRETS_DIR}/{secret_name(reference)}"
    path = PurePosixPath(reference.removeprefix("file:"))
    return str(path) if path.is_absolute() or path.parts[:1] == ("~",) else str(PurePosixPath(folder) / path)


def secret_reference(spec: Spec, reference: str | None) -> str | None:
    """A reference of the spec as the gateway's configuration has it."""
    if reference is None or (spec.runtime == "local" and not reference.startswith("file:")):
        return reference
    return f"file:{secret_path(spec, reference, '../..')}"


def secret_name(reference: str) -> str:
    """The name of a secret inside a container: `file:secrets/slack-webhook` is slack-webhook, `env:KEY` is KEY."""
    name = reference.split(":", 1)[1].removeprefix("secrets/")
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")


def address(host: str, port: int) -> str:
    """host:port as one reaches it from this machine: a wildcard address is reached over loopback."""
    reachable = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 compared, not bound
    return f"[{reachable}]:{port}" if ":" in reachable else f"{reachable}:{port}"
