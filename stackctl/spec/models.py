"""The spec's `models`: public names, and the deployments that serve them."""

import re
from datetime import date
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from stackctl.spec.contradictions import fault
from stackctl.spec.money import Price
from stackctl.spec.quantity import Duration
from stackctl.spec.secret import Proxy, SecretRef
from stackctl.spec.section import Name, Section, empty_dict, empty_list

_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_CREDENTIAL = re.compile("authorization|key|token|secret|cookie|password", re.IGNORECASE)


def _text_of_date(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


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
        default_factory=empty_dict,
        description="Headers of every request to this deployment. A value may be a secret reference (env:NAME, "
        "file:path); one that carries a credential must be.",
    )
    proxy: Proxy | None = Field(
        None,
        description="The proxy its requests go through, before gateway.proxy and the environment's; `direct` for none. "
        "A URL that holds a password is a reference.",
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
        others = [*self.headers.values(), self.proxy or ""]
        return found + [value for value in others if value.startswith(("env:", "file:"))]

    @model_validator(mode="after")
    def _headers_hold_no_secret(self) -> Self:
        for name, value in self.headers.items():
            if not _HEADER.fullmatch(name):
                raise fault("a header's name is made of letters, digits and dashes", "headers", name)
            if _CREDENTIAL.search(name) and not value.startswith(("env:", "file:")):
                raise fault("this header is a credential: use env:NAME or file:path", "headers", name)
        return self

    @model_validator(mode="after")
    def _proxy_where_there_is_a_way(self) -> Self:
        if self.proxy and (self.provider == "mock" or self.provider.startswith("litellm/")):
            raise fault("this provider has no proxy of its own: the LiteLLM SDK takes gateway.proxy", "proxy")
        return self

    @model_validator(mode="after")
    def _mock_only_for_mock(self) -> Self:
        if self.mock and self.provider != "mock":
            raise fault("only provider mock has these settings", "mock")
        return self


class Model(Section):
    """A public model name and what serves it."""

    name: Name = Field(description="The name clients ask for.")
    deployments: list[Deployment] = Field(min_length=1)
    fallbacks: list[Name] = Field(
        default_factory=empty_list, description="Models to try, in order, when this one fails."
    )
    context_fallbacks: list[Name] = Field(
        default_factory=empty_list, description="Models to try when a prompt is too long for this one."
    )
