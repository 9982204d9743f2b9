"""Every secret a spec refers to, with its place in the spec and the part that reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from stackctl.spec.receivers import SECRET_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.spec.model import Spec

Reader = Literal["gateway", "metrics", "alertmanager", "prometheus-password", "alertmanager-password"]


@dataclass(frozen=True)
class SecretUse:
    """One reference (env:NAME or file:path): where it stands and who reads it. The metrics token has two readers."""

    path: tuple[str | int, ...]
    reference: str
    reader: Reader


def secret_uses(spec: Spec) -> list[SecretUse]:
    """All of them, in the order of the spec."""
    return [use for use in _all(spec) if use.reference]


def _all(spec: Spec) -> Iterator[SecretUse]:
    for m, model in enumerate(spec.models):
        for d, deployment in enumerate(model.deployments):
            place: tuple[str | int, ...] = ("models", m, "deployments", d)
            yield SecretUse((*place, "api_key"), deployment.api_key or "", "gateway")
            for name, value in deployment.headers.items():
                if value.startswith(("env:", "file:")):
                    yield SecretUse((*place, "headers", name), value, "gateway")
            if deployment.proxy and deployment.proxy.startswith(("env:", "file:")):
                yield SecretUse((*place, "proxy"), deployment.proxy, "gateway")
    if spec.gateway.proxy and spec.gateway.proxy.startswith(("env:", "file:")):
        yield SecretUse(("gateway", "proxy"), spec.gateway.proxy, "gateway")
    for k, key in enumerate(spec.keys):
        yield SecretUse(("keys", k, "secret"), key.secret, "gateway")
    yield SecretUse(("gateway", "metrics", "token"), spec.gateway.metrics.token or "", "metrics")
    if spec.gateway.database.url not in ("sqlite", "postgres"):
        yield SecretUse(("gateway", "database", "url"), spec.gateway.database.url, "gateway")
    if spec.gateway.cache is not None:
        yield SecretUse(("gateway", "cache", "url"), spec.gateway.cache.url or "", "gateway")
    yield SecretUse(("prometheus", "password"), spec.prometheus.password or "", "prometheus-password")
    yield SecretUse(("alertmanager", "password"), spec.alertmanager.password or "", "alertmanager-password")
    for name, receiver in spec.alerts.receivers.configured().items():
        for field in SECRET_FIELDS:
            reference = getattr(receiver, field, None) or ""
            yield SecretUse(("alerts", "receivers", name, field), reference, "alertmanager")
