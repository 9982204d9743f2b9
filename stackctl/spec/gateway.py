"""The spec's `gateway`: which engine runs, how many workers, and where its books are."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from stackctl.catalogue.releases import litellm_releases
from stackctl.spec.contradictions import fault
from stackctl.spec.money import Cache, LoopGuard, Pricing
from stackctl.spec.quantity import Duration, Size
from stackctl.spec.secret import Proxy, SecretRef, check_reference
from stackctl.spec.section import Port, Section, empty_list


def _check_database(value: str) -> str:
    return value if value in ("sqlite", "postgres") else check_reference(value)


DatabaseUrl = Annotated[str, AfterValidator(_check_database)]


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
    database: Database = Database.defaults()
    metrics: GatewayMetrics = GatewayMetrics.defaults()
    routing: Routing = Routing.defaults()
    pricing: Pricing = Pricing.defaults()
    cache: Cache | None = None
    loop_guard: LoopGuard | None = None
    proxy: Proxy | None = Field(
        None,
        description="The proxy that requests to providers go through, but for those on this machine or in NO_PROXY "
        "(hosts, domains, addresses and networks like 10.0.0.0/8). Without it HTTPS_PROXY and HTTP_PROXY of the "
        "environment hold (runtime local), with `direct` none does. A URL that holds a password is a reference "
        "(env:NAME or file:path).",
    )
    cors_origins: list[Annotated[str, Field(pattern=r"^(\*|https?://[^\s/,]+)$")]] = Field(
        default_factory=empty_list,
        description="Origins whose web pages may call the API from a browser; none by default.",
    )
    max_body: Size = Field("32MB", description="The largest request; a larger one is answered with 413.")
    recycle_after: int | None = Field(
        None, ge=1000, description="Requests after which a worker is replaced by a fresh one; never by default."
    )
    busy_poll_us: int = Field(
        200,
        ge=0,
        le=1000,
        description="Microseconds for which a worker with one request under way looks for the next event before it sleeps, "
        "while events follow each other that fast. With providers that take longer, as models do, it sleeps at once. "
        "0 turns it off.",
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
    def _version_of_litellm(self) -> Self:
        if self.version is not None and self.engine == "bundled":
            raise fault("the bundled gateway has stackctl's own version: only engine litellm takes one", "version")
        return self
