"""spec → gateway/gateway.yaml, the bundled gateway's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackctl.render.places import CONTAINER_PORTS, SECRETS_DIR, secret_reference
from stackctl.render.yaml_text import to_yaml
from stackctl.spec.model import CANARY_MODEL
from stackctl.spec.quantity import byte_count

if TYPE_CHECKING:
    from stackctl.spec import Spec
    from stackctl.spec.gateway import Routing
    from stackctl.spec.model import Key
    from stackctl.spec.models import Deployment, Model, Timeouts
    from stackctl.spec.money import Budget, Cache

MASTER_KEY_FILE = "secrets/gateway-master-key"
_CANARY_USD_PER_MILLION = 10.0


def gateway_yaml(spec: Spec) -> str:
    """The configuration `python -m gateway serve --config` takes."""
    return to_yaml(
        {
            "version": 1,
            "instance": spec.name,
            "listen": _listen(spec),
            "workers": spec.gateway.workers,
            "master_key": secret_reference(spec, f"file:{MASTER_KEY_FILE}"),
            "metrics": {"token": secret_reference(spec, spec.gateway.metrics.token)},
            "database": _database(spec),
            "routing": _routing(spec.gateway.routing),
            **_optional(spec),
            "serving": {
                "max_body_bytes": byte_count(spec.gateway.max_body),
                "recycle_after": spec.gateway.recycle_after,
                "cors_origins": list(spec.gateway.cors_origins),
                "busy_poll_us": spec.gateway.busy_poll_us,
            },
            "models": [_model(spec, model) for model in spec.models] + [_canary()],
            "teams": [{"name": team.name, "budget": _budget(team.budget)} for team in spec.teams],
            "keys": [_key(spec, key) for key in spec.keys],
        }
    )


def _optional(spec: Spec) -> dict[str, Any]:
    """What is there only where the spec asks for it."""
    found: dict[str, Any] = {}
    if (proxy := spec.gateway.proxy) is not None:
        found["proxy"] = _plain_or_secret(spec, proxy)
    if spec.gateway.pricing.unpriced != "allow":
        found["pricing"] = {"unpriced": spec.gateway.pricing.unpriced}
    if (cache := spec.gateway.cache) is not None:
        found["cache"] = _cache(spec, cache)
    if (guard := spec.gateway.loop_guard) is not None:
        found["loop_guard"] = {
            "action": guard.action,
            "window_s": guard.window.seconds,
            "repeats": guard.repeats,
            "turns": guard.turns,
            "context_bytes": byte_count(guard.context),
        }
    return found


def _cache(spec: Spec, cache: Cache) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "backend": cache.backend,
        "mode": cache.mode,
        "ttl_s": cache.ttl.seconds,
        "scope": cache.scope,
        "opt_in": cache.opt_in,
    }
    if cache.embedding_model is not None:
        rendered |= {"embedding_model": cache.embedding_model, "similarity": cache.similarity}
    if cache.url is not None:
        rendered["url"] = secret_reference(spec, cache.url)
    elif cache.backend == "redis":
        rendered["address"] = f"redis:{CONTAINER_PORTS['redis']}"
        rendered["password"] = f"file:{SECRETS_DIR}/redis-password"
    return rendered


def _listen(spec: Spec) -> dict[str, Any]:
    """Inside a container it listens on every address; which of them the host publishes is the Compose file's matter."""
    if spec.runtime == "compose":
        return {"host": "0.0.0.0", "port": CONTAINER_PORTS["gateway"]}  # noqa: S104
    admin = {} if spec.gateway.admin_port is None else {"admin_port": spec.gateway.admin_port}
    return {"host": spec.gateway.host, "port": spec.gateway.port, **admin}


def _database(spec: Spec) -> dict[str, Any]:
    url = f"file:{SECRETS_DIR}/database-url" if spec.own_postgres else spec.gateway.database.url
    if not spec.own_postgres and url != "sqlite":
        url = secret_reference(spec, url) or url
    replicas = {"replicas": spec.gateway.replicas} if spec.gateway.replicas > 1 else {}
    return {"url": url, "pool_size": spec.gateway.database.pool_size, **replicas}


def _model(spec: Spec, model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "hidden": False,
        "fallbacks": list(model.fallbacks),
        "context_fallbacks": list(model.context_fallbacks),
        "deployments": [
            _deployment(spec, f"{model.name}-{index}", deployment) for index, deployment in enumerate(model.deployments)
        ],
    }


def _deployment(spec: Spec, id_: str, deployment: Deployment) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "id": id_,
        "provider": deployment.provider,
        "model": deployment.model,
        "api_base": deployment.api_base,
        "api_key": secret_reference(spec, deployment.api_key),
        "api_version": deployment.api_version,
        "headers": {name: _plain_or_secret(spec, value) for name, value in deployment.headers.items()},
        "rpm": deployment.rpm,
        "tpm": deployment.tpm,
        "weight": deployment.weight,
        "priority": deployment.priority,
        "timeouts": _timeouts(deployment.timeouts),
        "price": deployment.price.model_dump(exclude_defaults=True) if deployment.price else None,
    }
    if deployment.proxy is not None:
        rendered["proxy"] = _plain_or_secret(spec, deployment.proxy)
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


def _plain_or_secret(spec: Spec, value: str) -> str | None:
    """A secret reference as the gateway sees it; plain text as it is."""
    return secret_reference(spec, value) if value.startswith(("env:", "file:")) else value


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
    if budget is None:
        return None
    soft = {"soft_usd": budget.soft_usd} if budget.soft_usd is not None else {}
    return {"usd": budget.usd, **soft, "period": str(budget.period)}


def _key(spec: Spec, key: Key) -> dict[str, Any]:
    return {
        "name": key.name,
        "team": key.team,
        "secret": secret_reference(spec, key.secret),
        "models": list(key.models),
        "budget": _budget(key.budget),
        "rpm": key.rpm,
        "tpm": key.tpm,
        "max_parallel": key.max_parallel,
    }
