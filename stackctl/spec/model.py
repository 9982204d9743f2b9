"""The spec, as types. A field's description is what `stackctl explain` prints."""

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from stackctl.spec.checks import Checks
from stackctl.spec.contradictions import fault, refuse_contradictions
from stackctl.spec.gateway import Gateway
from stackctl.spec.images import Images
from stackctl.spec.models import Model
from stackctl.spec.money import Budget
from stackctl.spec.monitoring import Alertmanager, Alerts, Grafana, Prometheus
from stackctl.spec.quantity import Duration
from stackctl.spec.secret import SecretRef
from stackctl.spec.section import Name, Section, empty_list

_STACK_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
TEST_PREFIX = "stackctl-test-"
CANARY_MODEL = "stackctl-canary"
Runtime = Literal["local", "compose"]


class Team(Section):
    """Who owns keys and pays for them."""

    name: Name
    budget: Budget | None = None


class Key(Section):
    """A virtual key declared in the spec; others are made at run time."""

    name: Name = Field(description="The key's alias; also the `key` label of every series.")
    team: Name | None = None
    secret: SecretRef = Field(description="A reference to the key itself (sk-…).")
    models: list[Name] = Field(
        default_factory=empty_list, description="Models it may call; empty means all listed ones."
    )
    budget: Budget | None = None
    rpm: int | None = Field(None, ge=1)
    tpm: int | None = Field(None, ge=1)
    max_parallel: int | None = Field(None, ge=1)


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
    gateway: Gateway = Gateway.defaults()
    models: list[Model] = Field(min_length=1)
    teams: list[Team] = Field(default_factory=empty_list)
    keys: list[Key] = Field(default_factory=empty_list)
    prometheus: Prometheus = Prometheus.defaults()
    alertmanager: Alertmanager = Alertmanager.defaults()
    alerts: Alerts = Alerts.defaults()
    grafana: Grafana = Grafana.defaults()
    redis: Redis = Redis.defaults()
    proof: Proof = Proof.defaults()
    checks: Checks = Checks.defaults()
    images: Images = Images.defaults()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
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
