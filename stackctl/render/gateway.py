"""spec → gateway/gateway.yaml, the bundled gateway's configuration."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from stackctl.render.yaml_text import to_yaml
from stackctl.spec.model import CANARY_MODEL
from stackctl.spec.quantity import byte_count

if TYPE_CHECKING:
    from stackctl.spec import Spec
    from stackctl.spec.model import Budget, Deployment, Key, Model, Routing, Timeouts

MASTER_KEY_FILE = "secrets/gateway-master-key"
_CANARY_USD_PER_MILLION = 10.0


def gateway_yaml(spec: Spec) -> str:
    """The configuration `python -m gateway serve --config` takes."""
    return to_yaml(
        {
            "version": 1,
            "instance": spec.name,
            "listen": {"host": spec.gateway.host, "port": spec.gateway.port},
            "workers": spec.gateway.workers,
            "master_key": from_bundle(f"file:{MASTER_KEY_FILE}"),
            "metrics": {"token": from_bundle(spec.gateway.metrics.token)},
            "database": {
                "url": from_bundle(spec.gateway.database.url),
                "pool_size": spec.gateway.database.pool_size,
            },
            "routing": _routing(spec.gateway.routing),
            "serving": {
                "max_body_bytes": byte_count(spec.gateway.max_body),
                "recycle_after": spec.gateway.recycle_after,
                "cors_origins": list(spec.gateway.cors_origins),
            },
            "models": [_model(model) for model in spec.models] + [_canary()],
            "teams": [{"name": team.name, "budget": _budget(team.budget)} for team in spec.teams],
            "keys": [_key(key) for key in spec.keys],
        }
    )


def from_bundle(reference: str | None) -> str | None:
    """A secret reference of the spec as seen from a folder of the bundle; others pass unchanged."""
    if reference is None or not reference.startswith("file:"):
        return reference
    path = PurePosixPath(reference.removeprefix("file:"))
    return reference if path.is_absolute() or path.parts[:1] == ("~",) else f"file:{PurePosixPath('../..') / path}"


def _model(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "hidden": False,
        "fallbacks": list(model.fallbacks),
        "context_fallbacks": list(model.context_fallbacks),
        "deployments": [
            _deployment(f"{model.name}-{index}", deployment) for index, deployment in enumerate(model.deployments)
        ],
    }


def _deployment(id_: str, deployment: Deployment) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "id": id_,
        "provider": deployment.provider,
        "model": deployment.model,
        "api_base": deployment.api_base,
        "api_key": from_bundle(deployment.api_key),
        "api_version": deployment.api_version,
        "headers": {name: from_bundle(value) for name, value in deployment.headers.items()},
        "rpm": deployment.rpm,
        "tpm": deployment.tpm,
        "weight": deployment.weight,
        "priority": deployment.priority,
        "timeouts": _timeouts(deployment.timeouts),
        "price": deployment.price.model_dump() if deployment.price else None,
    }
    if deployment.mock:
        rendered["mock"] = deployment.mock.model_dump()
    return rendered


def _routing(routing: Routing) -> dict[str, Any]:
    return {
        "strategy": routing.strategy,
        "retries": routing.retries,
        "allowed_failures": routing.allowed_failures,
        "cooldown_s": routing.cooldown.seconds,
        "soft_limit": routing.soft_limit,
    }


def _timeouts(timeouts: Timeouts) -> dict[str, float]:
    return {
        "connect_s": timeouts.connect.seconds,
        "first_byte_s": timeouts.first_byte.seconds,
        "idle_s": timeouts.idle.seconds,
        "total_s": timeouts.total.seconds,
    }


def _canary() -> dict[str, Any]:
    """The hidden model of docs/decisions/003: real accounting, no bill."""
    price = {
        "input_usd_per_million_tokens": _CANARY_USD_PER_MILLION,
        "output_usd_per_million_tokens": _CANARY_USD_PER_MILLION,
    }
    deployment = {"id": f"{CANARY_MODEL}-0", "provider": "mock", "model": CANARY_MODEL, "price": price}
    mock = {"latency_s": 0.0, "chunk_interval_s": 0.0, "completion_tokens": 1}
    return {"name": CANARY_MODEL, "hidden": True, "deployments": [deployment | {"mock": mock}]}


def _budget(budget: Budget | None) -> dict[str, Any] | None:
    return {"usd": budget.usd, "period": str(budget.period)} if budget else None


def _key(key: Key) -> dict[str, Any]:
    return {
        "name": key.name,
        "team": key.team,
        "secret": from_bundle(key.secret),
        "models": list(key.models),
        "budget": _budget(key.budget),
        "rpm": key.rpm,
        "tpm": key.tpm,
        "max_parallel": key.max_parallel,
    }
