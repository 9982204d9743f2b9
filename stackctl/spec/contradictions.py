"""Faults that only several fields of a spec together have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from stackctl.catalogue.releases import refused

if TYPE_CHECKING:
    from stackctl.spec.model import Spec

_TEAMS_SINCE, _URL_FILE_SINCE = (0, 28), (0, 26)
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_RESERVED_CONNECTIONS = 10
"""What PostgreSQL keeps for superusers (3), migrations, back-ups and people."""


def fault(message: str, *path: str | int) -> PydanticCustomError:
    """A fault that a check across fields found; `path` is the field to point at."""
    return PydanticCustomError("fault", "{message}", {"message": message, "path": path})


def refuse_contradictions(spec: Spec) -> None:
    """Raise the first fault that fields of different sections have together."""
    if spec.runtime == "compose":
        _refuse_open_doors(spec)
    else:
        _refuse_container_settings(spec)
    _refuse_overdrawn_pool(spec)
    _refuse_lonely_replicas(spec)
    _refuse_cache_without_home(spec)
    _refuse_admin_port(spec)
    _refuse_bad_release(spec)
    _refuse_unknown_receivers(spec)


def _refuse_unknown_receivers(spec: Spec) -> None:
    """An older Alertmanager would refuse the whole configuration for one field it does not know."""
    version = tuple(int(part) for part in spec.alertmanager.version.split(".")[:2])
    receivers = spec.alerts.receivers
    remedy = "say with alertmanager.version which one runs"
    if receivers.teams and version < _TEAMS_SINCE:
        raise fault(f"Teams needs Alertmanager 0.28 or newer; {remedy}", "alerts", "receivers", "teams")
    if receivers.webhook and receivers.webhook.url_file and version < _URL_FILE_SINCE:
        path = ("alerts", "receivers", "webhook", "url_file")
        raise fault(f"url_file needs Alertmanager 0.26 or newer; {remedy}", *path)


def _refuse_bad_release(spec: Spec) -> None:
    if spec.gateway.engine == "litellm":
        for reason in refused(spec.gateway.release):
            raise fault(f"LiteLLM {spec.gateway.release} is refused: {reason}", "gateway", "version")


def _refuse_open_doors(spec: Spec) -> None:
    """What the network can reach must ask who is there."""
    for name, section in (("prometheus", spec.prometheus), ("alertmanager", spec.alertmanager)):
        if section.host not in LOOPBACK and section.password is None:
            raise fault(
                f"{section.host} opens {name} to the network without a password: add {name}.password", name, "host"
            )
    gateway = spec.gateway
    if gateway.host not in LOOPBACK and gateway.engine == "bundled" and gateway.metrics.token is None:
        raise fault(
            f"{gateway.host} opens /metrics to the network without a token: add gateway.metrics.token",
            "gateway",
            "host",
        )


def _refuse_container_settings(spec: Spec) -> None:
    if spec.gateway.database.url == "postgres":
        raise fault(
            "`postgres` is the stack's own PostgreSQL, which only runtime compose runs", "gateway", "database", "url"
        )
    if spec.redis.enabled:
        raise fault("only runtime compose runs a Redis", "redis", "enabled")
    for name, section in (("prometheus", spec.prometheus), ("alertmanager", spec.alertmanager)):
        if section.password is not None:
            raise fault("only runtime compose asks for a password", name, "password")


def _refuse_lonely_replicas(spec: Spec) -> None:
    """Several bundled gateways keep one set of books in one PostgreSQL."""
    gateway = spec.gateway
    if gateway.engine != "bundled" or gateway.replicas == 1:
        return
    if gateway.database.url == "sqlite":
        message = f"{gateway.replicas} gateways need one PostgreSQL: sqlite is one gateway's own"
        raise fault(message, "gateway", "database", "url")
    if gateway.database.pool_size < 2 * gateway.replicas:
        message = f"{gateway.replicas} gateways need at least {2 * gateway.replicas} connections"
        raise fault(message, "gateway", "database", "pool_size")


def _refuse_admin_port(spec: Spec) -> None:
    if spec.gateway.admin_port is None:
        return
    if spec.gateway.engine == "litellm":
        raise fault("LiteLLM serves its admin API on its own port only", "gateway", "admin_port")
    if spec.runtime == "compose":
        raise fault("in containers the admin API is on the gateway's own port", "gateway", "admin_port")


def _refuse_cache_without_home(spec: Spec) -> None:
    cache = spec.gateway.cache
    if spec.gateway.engine == "litellm":
        for name in ("cache", "loop_guard", "proxy"):
            if getattr(spec.gateway, name) is not None:
                raise fault("only the bundled gateway has it; LiteLLM would pass it over", "gateway", name)
        for m, model in enumerate(spec.models):
            for d, deployment in enumerate(model.deployments):
                if deployment.proxy is not None:
                    message = "only the bundled gateway takes it; LiteLLM goes by HTTPS_PROXY of its environment"
                    raise fault(message, "models", m, "deployments", d, "proxy")
                if deployment.price is not None and deployment.price.tiers:
                    message = "only the bundled gateway takes own tiers; LiteLLM would charge the first rate"
                    raise fault(message, "models", m, "deployments", d, "price", "tiers")
    elif cache is not None and cache.backend == "redis" and cache.url is None and not spec.own_redis:
        raise fault("backend redis needs a url: only runtime compose runs a Redis of its own", "gateway", "cache")


def _refuse_overdrawn_pool(spec: Spec) -> None:
    gateway = spec.gateway
    if gateway.database.url == "sqlite" and gateway.engine == "bundled":
        return
    asked = gateway.connections_per_worker * gateway.workers * gateway.replicas
    granted = gateway.database.max_connections - _RESERVED_CONNECTIONS
    if asked > granted:
        raise fault(
            f"{gateway.replicas} replica(s) x {gateway.workers} worker(s) x {gateway.connections_per_worker} "
            f"connection(s) = {asked}, and PostgreSQL's max_connections of {gateway.database.max_connections} leaves "
            f"{granted}: lower pool_size or workers, or raise max_connections",
            *("gateway", "database", "pool_size"),
        )
