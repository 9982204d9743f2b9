"""The spec, as types. A field's description is what `stackctl explain` prints."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from stackctl.catalogue.releases import litellm_releases
from stackctl.spec.checks import Checks
from stackctl.spec.contradictions import fault, refuse_contradictions
from stackctl.spec.images import Images
from stackctl.spec.money import Budget, Cache, LoopGuard, Price, Pricing
from stackctl.spec.quantity import Duration, check_size
from stackctl.spec.receivers import Inbox, Receivers
from stackctl.spec.secret import SecretRef, check_reference
from stackctl.spec.section import Port, Section

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$"
_STACK_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_CREDENTIAL = re.compile("authorization|key|token|secret|cookie|password", re.IGNORECASE)
_SCRAPE_FLOOR = Duration("15s")
TEST_PREFIX = "stackctl-test-"
CANARY_MODEL = "stackctl-canary"


def _check_floor(value: Duration) -> Duration:
    if value.milliseconds < _SCRAPE_FLOOR.milliseconds:
        raise ValueError(f"{value} is below the floor of 15s: faster scraping under load costs samples and disk")
    return value


def _check_database(value: str) -> str:
    return value if value in ("sqlite", "postgres") else check_reference(value)


def _text_of_date(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


Runtime = Literal["local", "compose"]
Size = Annotated[str, AfterValidator(check_size)]
ScrapeInterval = Annotated[Duration, AfterValidator(_check_floor)]
DatabaseUrl = Annotated[str, AfterValidator(_check_database)]
Name = Annotated[str, Field(pattern=_NAME, max_length=120)]


_ASKED_OF_ALL = (
    "Demanded from everybody (user `admin`), and required where the host is not loopback; runtime compose only."
)


class Mock(Section):
    """How the built-in mock provider answers when a request does not say otherwise."""

    latency_s: float = Field(0.05, ge=0, description="Seconds until the first token.")
    chunk_interval_s: float = Field(0.01, ge=0, description="Seconds between two streamed chunks.")
    completion_tokens: int = Field(32, ge=1, description="Tokens in an answer.")


class Timeouts(Section):
    """How long an upstream may take."""

    connect: Duration = Field(Duration("5s"), description="To accept a connection.")
    first_byte: Duration = Field(Duration("5m"), description="To the first byte of its answer.")
    idle: Duration = Field(Duration("1m"), description="Between two chunks.")
    total: Duration = Field(Duration("10m"), description="For the whole answer.")


class Deployment(Section):
    """One upstream target of a public model name."""

    provider: Name = Field(description="The provider; also the `provider` label of every series.")
    model: Name = Field(description="The model's name at the provider.")
    api_base: str | None = Field(
        None, pattern=r"^https?://", description="Base URL, where it is not the provider's own."
    )
    api_key: SecretRef | None = Field(None, description="A reference to the provider's key.")
    # Unquoted, Azure's versions are dates to YAML.
    api_version: Annotated[str | None, BeforeValidator(_text_of_date)] = Field(
        None,
        pattern=r"^[A-Za-z0-9.-]{1,40}$",
        description="Azure's or Anthropic's version of the API; without it the gateway takes one that it knows.",
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="Headers of every request to this deployment. A value may be a secret reference (env:NAME, "
        "file:path); one that carries a credential must be.",
    )
    rpm: int | None = Field(None, ge=1, description="Requests per minute the provider grants.")
    tpm: int | None = Field(None, ge=1, description="Tokens per minute the provider grants.")
    weight: float = Field(1, gt=0, description="Share of the traffic among the deployments of one model.")
    priority: int = Field(0, ge=0, le=1000, description="With strategy `priority`: the lowest number goes first.")
    timeouts: Timeouts = Field(default_factory=lambda: Timeouts(), description="How long its upstream may take.")
    price: Price | None = Field(None, description="Own prices; without them the built-in price table is asked.")
    mock: Mock | None = Field(None, description="Only for provider `mock`.")

    @property
    def secrets(self) -> list[str]:
        """The references to secrets among its fields."""
        found = [self.api_key] if self.api_key else []
        return found + [value for value in self.headers.values() if value.startswith(("env:", "file:"))]

    @model_validator(mode="after")
    def _headers_hold_no_secret(self) -> Deployment:
        for name, value in self.headers.items():
            if not _HEADER.fullmatch(name):
                raise fault("a header's name is made of letters, digits and dashes", "headers", name)
            if _CREDENTIAL.search(name) and not value.startswith(("env:", "file:")):
                raise fault("this header is a credential: use env:NAME or file:path", "headers", name)
        return self

    @model_validator(mode="after")
    def _mock_only_for_mock(self) -> Deployment:
        if self.mock and self.provider != "mock":
            raise fault("only provider mock has these settings", "mock")
        return self


class Model(Section):
    """A public model name and what serves it."""

    name: Name = Field(description="The name clients ask for.")
    deployments: list[Deployment] = Field(min_length=1)
    fallbacks: list[Name] = Field(default_factory=list, description="Models to try, in order, when this one fails.")
    context_fallbacks: list[Name] = Field(
        default_factory=list, description="Models to try when a prompt is too long for this one."
    )


class Team(Section):
    """Who owns keys and pays for them."""

    name: Name
    budget: Budget | None = None


class Key(Section):
    """A virtual key declared in the spec; others are made at run time."""

    name: Name = Field(description="The key's alias; also the `key` label of every series.")
    team: Name | None = None
    secret: SecretRef = Field(description="A reference to the key itself (sk-…).")
    models: list[Name] = Field(default_factory=list, description="Models it may call; empty means all listed ones.")
    budget: Budget | None = None
    rpm: int | None = Field(None, ge=1)
    tpm: int | None = Field(None, ge=1)
    max_parallel: int | None = Field(None, ge=1)


class Database(Section):
    """Where the ledger is kept."""

    url: DatabaseUrl = Field(
        "sqlite",
        description="`sqlite` keeps the ledger beside the stack; `postgres` is the stack's own PostgreSQL (runtime "
        "compose). The URL of another PostgreSQL holds a password, so it is a reference (env:DATABASE_URL or "
        "file:secrets/database-url).",
    )
    max_connections: int = Field(
        100, ge=10, description="What PostgreSQL grants; its own default is 100. The pool must leave room for others."
    )
    pool_size: int = Field(
        50,
        ge=1,
        description="Connections in TOTAL, divided among workers and replicas. A pool of 10 blocks new requests "
        "under load; 50 per worker would exhaust PostgreSQL's default of 100.",
    )


class GatewayMetrics(Section):
    """The gateway's /metrics endpoint."""

    token: SecretRef | None = Field(
        None,
        description="A bearer token that /metrics demands; the scrape job then carries it from the same file.",
    )


class Routing(Section):
    """How the bundled gateway chooses among deployments, and when it leaves one alone."""

    strategy: Literal["weighted", "least_busy", "lowest_latency", "lowest_cost", "priority"] = Field(
        "weighted", description="Which deployment of a model is tried first."
    )
    retries: int = Field(2, ge=0, le=20, description="Tries at other deployments of a model after the first one.")
    allowed_failures: int = Field(
        3, ge=1, le=1000, description="Failures in a row after which a deployment rests; 401, 403 and 429 do at once."
    )
    cooldown: Duration = Field(
        Duration("5s"), description="How long it rests; each further failure doubles it, up to 5 minutes."
    )
    soft_limit: float = Field(
        0.8, gt=0, le=1, description="Share of a rate limit from which on traffic moves to the backup."
    )


class Gateway(Section):
    """The LLM gateway."""

    engine: Literal["bundled", "litellm"] = Field(
        "bundled", description="Which gateway runs: the one that comes with stackctl, or the real LiteLLM proxy."
    )
    version: str | None = Field(
        None,
        pattern=r"^[0-9]+\.[0-9]+(\.[0-9A-Za-z]+)*$",
        description="LiteLLM's version, such as 1.102.4. Its metrics differ from version to version: rules and "
        "dashboards are rendered for the catalogue of this one. The newest known one by default; releases known to be "
        "bad are refused.",
    )
    replicas: int = Field(
        1,
        ge=1,
        le=32,
        description="How many gateways share the database, this one included: the pool is divided among all workers.",
    )
    host: str = Field("127.0.0.1", description="The address to listen on. Loopback unless you open it on purpose.")
    port: Port = 4000
    admin_port: Port | None = Field(
        None,
        description="A port of its own for the admin API, on loopback; the public port then answers 404 to it. Runtime "
        "local only.",
    )
    workers: int = Field(
        2,
        ge=1,
        le=64,
        description="Worker processes. Their metrics are aggregated through PROMETHEUS_MULTIPROC_DIR, a private "
        "directory that is emptied before the first worker starts (on tmpfs in containers): shared or stale files "
        "would make counters jump.",
    )
    database: Database = Database()
    metrics: GatewayMetrics = GatewayMetrics()
    routing: Routing = Routing()
    pricing: Pricing = Pricing()
    cache: Cache | None = None
    loop_guard: LoopGuard | None = None
    cors_origins: list[Annotated[str, Field(pattern=r"^(\*|https?://[^\s/,]+)$")]] = Field(
        default_factory=list, description="Origins whose web pages may call the API from a browser; none by default."
    )
    max_body: Size = Field("32MB", description="The largest request; a larger one is answered with 413.")
    recycle_after: int | None = Field(
        None, ge=1000, description="Requests after which a worker is replaced by a fresh one; never by default."
    )

    @property
    def release(self) -> str:
        """The LiteLLM release that runs."""
        return self.version or litellm_releases().newest

    @property
    def connections_per_worker(self) -> int:
        """The total pool, divided among the workers of all replicas."""
        return max(1, self.database.pool_size // (self.workers * self.replicas))

    @model_validator(mode="after")
    def _version_of_litellm(self) -> Gateway:
        if self.version is not None and self.engine == "bundled":
            raise fault("the bundled gateway has stackctl's own version: only engine litellm takes one", "version")
        return self


class Prometheus(Section):
    """Prometheus: scraping, rules, storage."""

    host: str = "127.0.0.1"
    port: Port = 9090
    password: SecretRef | None = Field(None, description=_ASKED_OF_ALL)
    scrape_interval: ScrapeInterval = Field(
        Duration("15s"),
        description="How often metrics are read; 15 s is the floor. Faster scraping under load has been reported to "
        "cost database connections and samples, fills the disk, and makes no alert better.",
    )
    scrape_timeout: Duration = Field(Duration("10s"), description="At most the scrape interval.")
    evaluation_interval: Duration | None = Field(
        None, description="How often rules run; the scrape interval by default."
    )
    retention: Duration = Field(
        Duration("7d"),
        description="How long samples are kept. Seven days bound the disk; the ledger keeps the money.",
    )
    retention_size: Size = Field("2GB", description="A second bound on the disk: the oldest samples go first.")

    @model_validator(mode="after")
    def _intervals(self) -> Prometheus:
        if self.scrape_timeout.milliseconds > self.scrape_interval.milliseconds:
            raise fault(
                f"{self.scrape_timeout} is longer than scrape_interval {self.scrape_interval}", "scrape_timeout"
            )
        return self

    @property
    def evaluation(self) -> Duration:
        return self.evaluation_interval or self.scrape_interval


class Alertmanager(Section):
    """Alertmanager: grouping, routing, delivery."""

    host: str = "127.0.0.1"
    port: Port = 9093
    version: str = Field(
        "0.25",
        pattern=r"^[0-9]+\.[0-9]+(\.[0-9]+)?$",
        description="The oldest Alertmanager that must understand the configuration. 0.25 is Debian 12's; Teams needs "
        "0.28, a webhook's url_file 0.26.",
    )
    password: SecretRef | None = Field(None, description=_ASKED_OF_ALL)
    group_wait: Duration = Field(Duration("30s"), description="How long to wait for alerts that belong together.")
    group_interval: Duration = Duration("5m")
    repeat_interval: Duration = Duration("12h")


class RuleOverride(Section):
    """What may be changed about one alert."""

    enabled: bool = True
    threshold: float | None = Field(None, description="In the unit of the alert's own threshold.")
    floor: float | None = Field(
        None, ge=0, description="The least volume the alert speaks about, in the unit of the alert's own floor."
    )
    for_: Duration | None = Field(None, alias="for", description="How long the condition must hold.")
    severity: Literal["info", "warning", "critical"] | None = None
    labels: dict[str, str] = Field(default_factory=dict)


class Alerts(Section):
    """Alert rules and receivers."""

    receivers: Receivers = Receivers()
    inbox: Inbox = Inbox()
    rules: dict[str, RuleOverride] = Field(default_factory=dict, description="Changes per alert name.")
    runbooks: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        description="Where runbooks are: `{alert}` stands for the alert's name, else it is appended. The stack's own "
        "inbox serves them by default.",
    )
    dashboards: str | None = Field(
        None, pattern=r"^https?://\S+$", description="Grafana's address as people reach it, for links in messages."
    )


class Grafana(Section):
    """Grafana with the stack's dashboards; runtime compose only. Its admin password is generated, never `admin`."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Port = 3000


class Redis(Section):
    """A Redis of the stack's own; runtime compose only."""

    enabled: bool | None = Field(
        None,
        description="By default it runs for engine `litellm` with more than one worker: without it, every limit, "
        "cooldown and cache of LiteLLM is per worker. Also for gateway.cache with backend redis and no url.",
    )


class Proof(Section):
    """How `validate` and `alerts test` spend."""

    budget_usd: float = Field(0.02, gt=0, description="The canary key's budget. The canary is mock-priced: no bill.")
    group_wait: Duration = Field(Duration("1s"), description="group_wait of the test route.")
    group_interval: Duration = Field(Duration("5s"), description="group_interval of the test route.")


class Spec(Section):
    """stack.yaml."""

    version: Literal[1]
    name: str = Field(description="Names the stack, its processes and its `stack` label.")
    runtime: Runtime = Field("local", description="What runs the bundle: plain processes, or Docker Compose.")
    gateway: Gateway = Gateway()
    models: list[Model] = Field(min_length=1)
    teams: list[Team] = Field(default_factory=list)
    keys: list[Key] = Field(default_factory=list)
    prometheus: Prometheus = Prometheus()
    alertmanager: Alertmanager = Alertmanager()
    alerts: Alerts = Alerts()
    grafana: Grafana = Grafana()
    redis: Redis = Redis()
    proof: Proof = Proof()
    checks: Checks = Checks()
    images: Images = Images()

    @model_validator(mode="after")
    def _consistent(self) -> Spec:
        if not _STACK_NAME.fullmatch(self.name):
            raise fault("use up to 40 lower-case letters, digits and dashes", "name")
        _refuse_twice("models", [model.name for model in self.models])
        _refuse_twice("teams", [team.name for team in self.teams])
        _refuse_twice("keys", [key.name for key in self.keys])
        self._known_references()
        self._reserved_names()
        self._distinct_ports()
        refuse_contradictions(self)
        return self

    @property
    def own_postgres(self) -> bool:
        """Whether the stack runs a PostgreSQL of its own."""
        url = self.gateway.database.url
        needed = url == "postgres" or (url == "sqlite" and self.gateway.engine == "litellm")
        return self.runtime == "compose" and needed

    @property
    def own_redis(self) -> bool:
        """Whether the stack runs a Redis of its own."""
        several = self.gateway.workers * self.gateway.replicas > 1
        cache = self.gateway.cache
        needed = (several and self.gateway.engine == "litellm") or (
            cache is not None and cache.backend == "redis" and cache.url is None
        )
        wanted = self.redis.enabled if self.redis.enabled is not None else needed
        return self.runtime == "compose" and wanted

    @property
    def runs_grafana(self) -> bool:
        return self.runtime == "compose" and self.grafana.enabled

    def _known_references(self) -> None:
        models = {model.name for model in self.models}
        teams = {team.name for team in self.teams}
        for m, model in enumerate(self.models):
            for field in ("fallbacks", "context_fallbacks"):
                for f, name in enumerate(getattr(model, field)):
                    if name not in models or name == model.name:
                        raise fault(f"'{name}' is not another model of this spec", "models", m, field, f)
        cache = self.gateway.cache
        if cache is not None and cache.embedding_model is not None and cache.embedding_model not in models:
            raise fault(f"model '{cache.embedding_model}' is not declared", "gateway", "cache", "embedding_model")
        for k, key in enumerate(self.keys):
            if key.team is not None and key.team not in teams:
                raise fault(f"team '{key.team}' is not declared", "keys", k, "team")
            for index, name in enumerate(key.models):
                if name not in models:
                    raise fault(f"model '{name}' is not declared", "keys", k, "models", index)

    def _reserved_names(self) -> None:
        named = {"teams": [team.name for team in self.teams], "keys": [key.name for key in self.keys]}
        for section, names in named.items():
            for index, name in enumerate(names):
                if name.startswith(TEST_PREFIX):
                    raise fault(f"names starting with {TEST_PREFIX} are reserved for proofs", section, index, "name")
        for index, model in enumerate(self.models):
            if model.name == CANARY_MODEL:
                raise fault(f"the name '{CANARY_MODEL}' is reserved for proofs", "models", index, "name")

    def _distinct_ports(self) -> None:
        seen: dict[int, tuple[str, ...]] = {}
        for path, port in self.ports().items():
            if port in seen:
                raise fault(f"port {port} is taken by {'.'.join(seen[port])} already", *path)
            seen[port] = path

    def ports(self) -> dict[tuple[str, ...], int]:
        """The TCP ports the stack listens on, by the field that sets them."""
        ports = {
            ("gateway", "port"): self.gateway.port,
            ("prometheus", "port"): self.prometheus.port,
            ("alertmanager", "port"): self.alertmanager.port,
            ("alerts", "inbox", "port"): self.alerts.inbox.port,
        }
        if self.gateway.admin_port is not None:
            ports["gateway", "admin_port"] = self.gateway.admin_port
        return ports | ({("grafana", "port"): self.grafana.port} if self.runs_grafana else {})


def _refuse_twice(section: str, names: list[str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise fault(f"'{name}' is declared twice", section, index, "name")
