"""What answers cost, who may spend how much, and what need not be bought again."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stackctl.spec.contradictions import fault
from stackctl.spec.quantity import Duration, Size
from stackctl.spec.secret import SecretRef
from stackctl.spec.section import Section, empty_list

Dollars = Annotated[float, Field(ge=0, le=1_000_000_000, allow_inf_nan=False)]


class Rates(Section):
    """USD per million tokens, by kind of token."""

    input_usd_per_million_tokens: Dollars
    output_usd_per_million_tokens: Dollars
    cached_input_usd_per_million_tokens: Dollars | None = Field(
        None, description="Prompt tokens the provider read from its own cache; as plain input by default."
    )
    cache_write_usd_per_million_tokens: Dollars | None = Field(
        None, description="Prompt tokens the provider wrote to its own cache; as plain input by default."
    )
    reasoning_usd_per_million_tokens: Dollars | None = Field(None, description="As plain output by default.")
    audio_input_usd_per_million_tokens: Dollars | None = Field(None, description="As plain input by default.")
    audio_output_usd_per_million_tokens: Dollars | None = Field(None, description="As plain output by default.")


class Tier(Rates):
    """The rates of a whole request whose prompt is longer than this."""

    above_prompt_tokens: int = Field(ge=1)


class Price(Rates):
    """What a deployment costs, in USD per million tokens. It goes before the built-in price lists."""

    tiers: list[Tier] = Field(default_factory=empty_list, description="Other rates for long prompts.")
    batch_share: float = Field(0.5, gt=0, le=1, description="What a batched token costs, as a share of a plain one.")


class Budget(Section):
    """A limit in USD for a period."""

    usd: float = Field(gt=0, description="The limit in USD. No budget at all is the absence of this section, not 0.")
    soft_usd: float | None = Field(
        None, gt=0, description="A threshold below the limit at which somebody wants to know; nothing is refused."
    )
    period: Duration = Field(Duration("30d"), description="The budget starts anew after this long.")

    @model_validator(mode="after")
    def _soft_below_hard(self) -> Self:
        if self.soft_usd is not None and self.soft_usd > self.usd:
            raise fault(f"{self.soft_usd:g} is above the limit of {self.usd:g}", "soft_usd")
        return self


class Pricing(Section):
    """What to do about tokens whose price nobody knows."""

    unpriced: Literal["allow", "refuse"] = Field(
        "allow",
        description="`allow` counts them in litellm_unpriced_tokens_total, which has an alert; `refuse` refuses models "
        "that may reach a deployment without a price. They are never a silent 0.",
    )


class Cache(Section):
    """Answers that are not bought twice. Without this section nothing is cached."""

    backend: Literal["memory", "redis"] = Field(
        "memory", description="`memory` is each worker's own; `redis` is shared by workers and gateways."
    )
    url: SecretRef | None = Field(
        None,
        description="A reference to Redis' URL (redis://…), for it holds a password. Without it runtime compose uses "
        "the stack's own Redis.",
    )
    mode: Literal["exact", "semantic"] = Field(
        "exact",
        description="`exact` knows the same request again; `semantic` also a question that means the same.",
    )
    embedding_model: str | None = Field(
        None, description="For `semantic`: the model of this spec that embeds questions; its cost is the key's."
    )
    similarity: float = Field(
        0.95, gt=0, le=1, description="For `semantic`: the least cosine at which two questions count as one."
    )
    ttl: Duration = Field(Duration("10m"), description="How long an answer is kept. A request may say otherwise.")
    scope: Literal["key", "team", "all"] = Field(
        "key", description="Who may be given somebody's answer: the same key, keys of its team, or everybody."
    )
    opt_in: bool = Field(False, description='Cache only requests that ask for it with `"cache": {"use-cache": true}`.')

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.url is not None and self.backend != "redis":
            raise fault("only backend redis has a url", "url")
        if (self.mode == "semantic") != (self.embedding_model is not None):
            raise fault("mode semantic, and only it, needs an embedding_model", "embedding_model")
        return self


class LoopGuard(Section):
    """Notices a key that repeats itself or a conversation that grows without end. Without this section nobody looks.

    Each worker counts what it sees: a loop spread over N workers is noticed after at most N times as many requests.
    """

    action: Literal["observe", "throttle", "block"] = Field(
        "observe",
        description="`observe` counts in litellm_loop_guard_total, which has an alert; `throttle` answers 429 until the "
        "window has passed; `block` blocks the key until somebody unblocks it.",
    )
    window: Duration = Field(Duration("1m"), description="How far back repeats are counted.")
    repeats: int = Field(30, ge=2, le=10_000, description="Nearly identical requests of a key in the window.")
    turns: int = Field(40, ge=2, le=10_000, description="Requests of one conversation that each grew.")
    context: Size = Field("400KB", description="How large such a conversation must have become.")
