"""The shape of `gateway.yaml`. Unknown fields are errors; everything is frozen after loading."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gateway import period
from gateway.config.known import SDK_PREFIX, known
from gateway.config.proxy import check_proxy
from gateway.config.secret import check_header, check_reference


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


def _duration(text: str) -> str:
    period.seconds(text)
    return text


Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f]+$")]
Reference = Annotated[str, AfterValidator(check_reference)]
Duration = Annotated[str, AfterValidator(_duration)]
# Unquoted, Azure's versions are dates to YAML.
ApiVersion = Annotated[str | None, BeforeValidator(lambda v: v.isoformat() if isinstance(v, date) else v)]
# A proxy's URL, a reference to one, or `direct`.
Proxy = Annotated[str, AfterValidator(check_proxy)]
HeaderName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9-]+$")]


class Listen(_Part):
    """Where the public API listens. With an `admin_port` the admin API is there, at `admin_host`, and nowhere else."""

    host: str = "127.0.0.1"
    port: int = Field(4000, ge=1, le=65535)
    admin_host: str = "127.0.0.1"
    admin_port: int | None = Field(None, ge=1, le=65535)

    @model_validator(mode="after")
    def _apart(self) -> Listen:
        if self.admin_port == self.port:
            raise ValueError("admin_port is the public port")
        return self


class Metrics(_Part):
    """`token`: a secret that `/metrics` then asks for as a bearer token."""

    token: Reference | None = None


def _database_url(text: str) -> str:
    return text if text == "sqlite" else check_reference(text)


class Database(_Part):
    """`sqlite`, or a reference to a `postgresql://` URL: it holds a password.

    `pool_size` is the most connections that all `replicas` (gateways on the same PostgreSQL) open together.
    Only the accountant of a gateway connects, so the number of workers does not matter.
    """

    url: Annotated[str, AfterValidator(_database_url)] = "sqlite"
    pool_size: int = Field(50, ge=2)
    replicas: int = Field(1, ge=1, le=1000)

    @model_validator(mode="after")
    def _enough(self) -> Database:
        if self.pool_size < 2 * self.replicas:
            raise ValueError(f"pool_size must be at least 2 for each of {self.replicas} replicas")
        return self


class Serving(_Part):
    """`recycle_after` requests, with a jitter of a tenth, a worker ends and a fresh one takes its place.

    `busy_poll_us`: how long a worker looks for what comes next of its only request before it sleeps, if that was fast before.
    """

    max_body_bytes: int = Field(32 << 20, ge=1024)
    recycle_after: int | None = Field(None, ge=100)
    drain_s: float = Field(30.0, gt=0, le=600)
    cors_origins: tuple[str, ...] = ()
    busy_poll_us: int = Field(200, ge=0, le=1000)


class Pricing(_Part):
    """`unpriced`: whether a request may go to a deployment whose price nobody knows."""

    unpriced: Literal["allow", "refuse"] = "allow"


Dollars = Annotated[float, Field(ge=0, le=1_000_000_000, allow_inf_nan=False)]


class Rates(_Part):
    """USD per million tokens. What is left out costs what plain input or output tokens cost."""

    input_usd_per_million_tokens: Dollars
    output_usd_per_million_tokens: Dollars
    cached_input_usd_per_million_tokens: Dollars | None = None
    cache_write_usd_per_million_tokens: Dollars | None = None
    reasoning_usd_per_million_tokens: Dollars | None = None
    audio_input_usd_per_million_tokens: Dollars | None = None
    audio_output_usd_per_million_tokens: Dollars | None = None


class TierEntry(Rates):
    """Rates of the whole request when its prompt has more tokens than this."""

    above_prompt_tokens: int = Field(ge=1)


class PriceEntry(Rates):
    """Price of a deployment. It goes before any price list. `batch_share`: what a batched token costs."""

    tiers: tuple[TierEntry, ...] = ()
    batch_share: float = Field(0.5, gt=0, le=1)


class MockBehaviour(_Part):
    """What the mock provider does unless the request's own `mock` object says otherwise."""

    latency_s: float = Field(0.0, ge=0, le=600)
    chunk_interval_s: float = Field(0.0, ge=0, le=60)
    prompt_tokens: int | None = Field(None, ge=0, le=10_000_000)
    completion_tokens: int = Field(32, ge=0, le=1_000_000)
    error: int | None = Field(None, ge=400, le=599)


class Timeouts(_Part):
    """Seconds an upstream may take: to accept, to the first byte, between two reads, in total."""

    connect_s: float = Field(5.0, gt=0)
    first_byte_s: float = Field(300.0, gt=0)
    idle_s: float = Field(60.0, gt=0)
    total_s: float = Field(600.0, gt=0)


class Routing(_Part):
    """How deployments are chosen and left.

    `retries`: tries at other deployments of one model after the first. `allowed_failures` in a row make a deployment
    rest for `cooldown_s`, each further one twice as long; 401, 403 and 429 do so at once. From `soft_limit` of a rate
    limit on, traffic moves to the backup.
    """

    strategy: Literal["weighted", "least_busy", "lowest_latency", "lowest_cost", "priority"] = "weighted"
    retries: int = Field(2, ge=0, le=20)
    backoff_s: float = Field(0.1, ge=0, le=60)
    most_backoff_s: float = Field(2.0, ge=0, le=60)
    allowed_failures: int = Field(3, ge=1, le=1000)
    cooldown_s: float = Field(5.0, gt=0, le=300)
    soft_limit: float = Field(0.8, gt=0, le=1)


class Deployment(_Part):
    """One upstream target of a public model name.

    `api_version`: Azure's or Anthropic's version of the API. `headers` go out with every request; a value may be a
    secret reference, and one that carries a credential must be. `proxy`: what its requests go through; once the file is
    loaded that of the gateway or of the environment, where those hold (gateway.config.proxy).
    """

    id: Name
    provider: Name
    model: Name
    api_base: str | None = Field(None, pattern=r"^https?://[^\s/]+")
    api_key: Reference | None = None
    api_version: ApiVersion = Field(None, pattern=r"^[A-Za-z0-9.-]{1,40}$")
    headers: dict[HeaderName, str] = Field(default_factory=dict)
    proxy: Proxy | None = None
    rpm: int | None = Field(None, ge=1)
    tpm: int | None = Field(None, ge=1)
    weight: float = Field(1.0, ge=0)
    priority: int = Field(0, ge=0, le=1000)
    price: PriceEntry | None = None
    mock: MockBehaviour | None = None
    timeouts: Timeouts = Timeouts()

    @model_validator(mode="after")
    def _fits_provider(self) -> Deployment:
        if self.mock is not None and self.provider != "mock":
            raise ValueError("`mock` is only for provider mock")
        if self.provider == SDK_PREFIX:
            raise ValueError("`litellm/` needs the name of a provider of the LiteLLM SDK after it")
        if self.proxy is not None and known(self.provider).wire in ("mock", "sdk"):
            raise ValueError(f"provider {self.provider!r} has no `proxy` of its own")
        if known(self.provider).base is None and self.api_base is None:
            raise ValueError(f"provider {self.provider!r} needs an `api_base`")
        for name, value in self.headers.items():
            check_header(name, value)
        return self


class Model(_Part):
    """A public model name. A hidden one is not listed and must be named by a key to be called."""

    name: Name
    hidden: bool = False
    fallbacks: tuple[Name, ...] = ()
    context_fallbacks: tuple[Name, ...] = ()
    deployments: tuple[Deployment, ...] = Field(min_length=1)


class Budget(_Part):
    """USD per period."""

    usd: float = Field(gt=0)
    soft_usd: float | None = Field(None, gt=0)
    period: Duration = "30d"


class Team(_Part):
    """An owner of keys."""

    name: Name
    budget: Budget | None = None


class DeclaredKey(_Part):
    """A virtual key that the config declares; its secret stays a reference."""

    name: Name
    team: Name | None = None
    budget: Budget | None = None
    models: tuple[Name, ...] = ()
    rpm: int | None = Field(None, ge=1)
    tpm: int | None = Field(None, ge=1)
    max_parallel: int | None = Field(None, ge=1)
    secret: Reference


class Cache(_Part):
    """Answers that are not bought twice; absent, nothing is cached.

    `memory` is each worker's own, `redis` (at `url`, or at `address` by `password`) is shared by
    workers and gateways. `exact` asks for the same
    request, `semantic` also for a question whose embedding by `embedding_model` is at least `similarity` near. An
    answer is given to the same key, to keys of the same team, or to `all`. `opt_in`: only requests that say
    `"cache": {"use-cache": true}` are cached.
    """

    backend: Literal["memory", "redis"] = "memory"
    url: Reference | None = None
    address: str | None = Field(None, pattern=r"^[^\s:/]+:[0-9]{1,5}$")
    password: Reference | None = None
    mode: Literal["exact", "semantic"] = "exact"
    embedding_model: Name | None = None
    similarity: float = Field(0.95, gt=0, le=1)
    ttl_s: float = Field(600.0, gt=0, le=31_536_000)
    scope: Literal["key", "team", "all"] = "key"
    opt_in: bool = False
    most_bytes: int = Field(64 << 20, ge=1 << 16)

    @model_validator(mode="after")
    def _complete(self) -> Cache:
        if (self.backend == "redis") != (self.url is not None or self.address is not None):
            raise ValueError("cache: backend redis, and only it, needs a `url` or an `address`")
        if (self.mode == "semantic") != (self.embedding_model is not None):
            raise ValueError("cache: mode semantic, and only it, needs an `embedding_model`")
        return self


class LoopGuard(_Part):
    """What counts as a loop and what is done about it; absent, nobody looks. See gateway.guard.policy."""

    action: Literal["observe", "throttle", "block"] = "observe"
    window_s: float = Field(60.0, gt=0, le=3600)
    repeats: int = Field(30, ge=2, le=10_000)
    turns: int = Field(40, ge=2, le=10_000)
    context_bytes: int = Field(400_000, ge=1)


class Config(_Part):
    """The whole file. After `load`, every secret reference has been replaced by its value.

    `proxy` is what requests to all upstreams go through that are not on this machine or in `NO_PROXY`; `direct` passes
    the environment's proxies over.
    """

    version: Literal[1]
    instance: Name
    listen: Listen = Listen()
    workers: int = Field(2, ge=1, le=64)
    master_key: Reference
    metrics: Metrics = Metrics()
    database: Database = Database()
    serving: Serving = Serving()
    pricing: Pricing = Pricing()
    proxy: Proxy | None = None
    routing: Routing = Routing()
    cache: Cache | None = None
    loop_guard: LoopGuard | None = None
    models: tuple[Model, ...] = Field(min_length=1)
    teams: tuple[Team, ...] = ()
    keys: tuple[DeclaredKey, ...] = ()

    @model_validator(mode="after")
    def _references_resolve(self) -> Config:
        _unique("models", [m.name for m in self.models])
        _unique("deployment ids", [d.id for m in self.models for d in m.deployments])
        _unique("teams", [t.name for t in self.teams])
        _unique("keys", [k.name for k in self.keys])
        models = {m.name for m in self.models}
        for model in self.models:
            _known(f"models {model.name}: fallback", model.fallbacks, models)
            _known(f"models {model.name}: context fallback", model.context_fallbacks, models)
        if self.cache is not None and self.cache.embedding_model is not None:
            _known("cache: embedding_model", (self.cache.embedding_model,), models)
        teams = {t.name for t in self.teams}
        for key in self.keys:
            _known(f"keys {key.name}: team", (key.team,) if key.team else (), teams)
            _known(f"keys {key.name}: model", key.models, models)
        return self


def _unique(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{what}: {name!r} is there twice")


def _known(where: str, names: tuple[str, ...], known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{where} {name!r} is not defined")
