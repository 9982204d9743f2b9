"""spec → litellm/config.yaml and litellm/start.sh, for the real LiteLLM proxy."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from stackctl.catalogue.releases import at_least, litellm_releases
from stackctl.render.gateway import MASTER_KEY_FILE
from stackctl.render.places import CONTAINER_PORTS, SECRETS_DIR, secret_name, secret_path
from stackctl.render.templates import fill
from stackctl.render.yaml_text import to_yaml
from stackctl.spec.model import Routing, Timeouts

if TYPE_CHECKING:
    from stackctl.spec import Spec
    from stackctl.spec.model import Deployment, Model
    from stackctl.spec.quantity import Duration

STRATEGIES = {
    "least_busy": "least-busy",
    "lowest_latency": "latency-based-routing",
    "lowest_cost": "cost-based-routing",
}
"""LiteLLM's names; it weighs by default, and `order` of a deployment is its priority."""
_MASTER_KEY, _DATABASE_URL, _REDIS_PASSWORD = "LITELLM_MASTER_KEY", "DATABASE_URL", "REDIS_PASSWORD"


# LiteLLM's names of what tokens cost, and the spec's.
_COSTS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached_input",
    "cache_creation_input_token_cost": "cache_write",
    "output_cost_per_reasoning_token": "reasoning",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_audio_token": "audio_output",
}


def litellm_config(spec: Spec) -> str:
    """`config.yaml` of the proxy. Secrets are environment variables, which start.sh fills from files."""
    config: dict[str, Any] = {
        "model_list": [_deployment(spec, model, each) for model in spec.models for each in model.deployments],
        "litellm_settings": _settings(spec),
        "router_settings": _router(spec),
        "general_settings": _general(spec),
    }
    return to_yaml(config)


def start_script(spec: Spec) -> str:
    """The shell script that puts the secrets into the proxy's environment and becomes the proxy."""
    files = {_MASTER_KEY: _path(spec, f"file:{MASTER_KEY_FILE}")}
    if spec.own_postgres:
        files[_DATABASE_URL] = f"{SECRETS_DIR}/database-url"
    elif spec.gateway.database.url != "sqlite":
        files |= _file_of(spec, _DATABASE_URL, spec.gateway.database.url)
    if spec.own_redis:
        files[_REDIS_PASSWORD] = f"{SECRETS_DIR}/redis-password"
    for reference in (secret for model in spec.models for each in model.deployments for secret in each.secrets):
        files |= _file_of(spec, variable(reference), reference)
    local = spec.runtime == "local"
    return fill(
        "litellm/start.sh.j2",
        files=files,
        local=local,
        config="litellm/config.yaml" if local else "/etc/stack/config.yaml",
        host=spec.gateway.host if local else "0.0.0.0",  # noqa: S104 inside the container
        port=spec.gateway.port if local else CONTAINER_PORTS["gateway"],
        workers=spec.gateway.workers,
        patient=at_least(spec.gateway.release, litellm_releases().worker_patience_since),
    )


def variable(reference: str) -> str:
    """The environment variable in which the proxy finds the secret of a reference."""
    scheme, name = reference.split(":", 1)
    return name if scheme == "env" else secret_name(reference).upper().replace("-", "_")


def _file_of(spec: Spec, name: str, reference: str) -> dict[str, str]:
    """Where start.sh reads a secret; nothing for what the local runtime already has in its environment."""
    if spec.runtime == "local" and reference.startswith("env:"):
        return {} if variable(reference) == name else {name: f"${variable(reference)}"}
    return {name: _path(spec, reference)}


def _path(spec: Spec, reference: str) -> str:
    return secret_path(spec, reference, "..")


def _deployment(spec: Spec, model: Model, deployment: Deployment) -> dict[str, Any]:
    parameters: dict[str, Any] = {"model": _upstream(deployment)}
    optional = {
        "api_base": deployment.api_base,
        "api_key": _value(deployment.api_key) if deployment.api_key else None,
        "api_version": deployment.api_version,
        "extra_headers": {name: _value(value) for name, value in deployment.headers.items()} or None,
        "timeout": _unless(deployment.timeouts.total, Timeouts().total),
        "order": deployment.priority + 1 if spec.gateway.routing.strategy == "priority" else None,
        "rpm": deployment.rpm,
        "tpm": deployment.tpm,
        "weight": deployment.weight if len(model.deployments) > 1 else None,
    }
    parameters |= {name: value for name, value in optional.items() if value is not None}
    if deployment.price:
        for theirs, ours in _COSTS.items():
            rate = getattr(deployment.price, f"{ours}_usd_per_million_tokens")
            parameters |= {theirs: _per_token(rate)} if rate is not None else {}
    if deployment.provider == "mock":
        parameters |= {"api_key": "none", "mock_response": "This is a mock answer."}
    return {"model_name": model.name, "litellm_params": parameters}


def _value(text: str) -> str:
    """A reference as LiteLLM resolves it, anywhere in its configuration; any other text as it stands."""
    return f"os.environ/{variable(text)}" if text.startswith(("env:", "file:")) else text


def _unless(duration: Duration, default: Duration) -> float | None:
    return None if duration == default else duration.seconds


def _per_token(usd_per_million: float) -> float:
    """In decimals, so that 0.1 USD per million is 1e-07 and not 1.0000000000000001e-07."""
    return float(Decimal(str(usd_per_million)).scaleb(-6))


def _upstream(deployment: Deployment) -> str:
    """LiteLLM's `provider/model`; a server it does not know speaks OpenAI's protocol at its own address."""
    unknown = deployment.provider not in litellm_releases().providers
    provider = "openai" if deployment.provider == "mock" or (deployment.api_base and unknown) else deployment.provider
    return f"{provider}/{deployment.model}"


def _settings(spec: Spec) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "callbacks": ["prometheus"],
        "require_auth_for_metrics_endpoint": True,
        # 6000 s is LiteLLM's own default: a hanging provider would hold a worker for 100 minutes.
        "request_timeout": 600,
    }
    if spec.own_redis:
        # Limits, cooldowns and budgets are then shared by all workers; answers are cached only where a request asks.
        settings["cache"] = True
        settings["cache_params"] = {"type": "redis", "mode": "default_off"} | _redis()
    return settings


def _router(spec: Spec) -> dict[str, Any]:
    fallbacks = [{model.name: list(model.fallbacks)} for model in spec.models if model.fallbacks]
    too_long = [{model.name: list(model.context_fallbacks)} for model in spec.models if model.context_fallbacks]
    routing, default = spec.gateway.routing, Routing()
    # Without it a retry may pick the deployment that has just failed.
    settings: dict[str, Any] = {"num_retries": routing.retries, "enable_weighted_failover": True}
    optional = {
        "routing_strategy": STRATEGIES.get(routing.strategy),
        "allowed_fails": routing.allowed_failures if routing.allowed_failures != default.allowed_failures else None,
        "cooldown_time": _unless(routing.cooldown, default.cooldown),
        "fallbacks": fallbacks or None,
        "context_window_fallbacks": too_long or None,
    }
    settings |= {name: value for name, value in optional.items() if value is not None}
    return settings | ({f"redis_{name}": value for name, value in _redis().items()} if spec.own_redis else {})


def _redis() -> dict[str, Any]:
    return {"host": "redis", "port": CONTAINER_PORTS["redis"], "password": f"os.environ/{_REDIS_PASSWORD}"}


def _general(spec: Spec) -> dict[str, Any]:
    general: dict[str, Any] = {"master_key": f"os.environ/{_MASTER_KEY}"}
    if spec.own_postgres or spec.gateway.database.url != "sqlite":
        general["database_url"] = f"os.environ/{_DATABASE_URL}"
        # Per worker process: this times workers times replicas is what PostgreSQL must grant.
        general["database_connection_pool_limit"] = spec.gateway.connections_per_worker
        general["database_connection_timeout"] = 60
        general["store_model_in_db"] = False
    return general
