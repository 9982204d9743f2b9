"""What an answer used, as providers tell it and prices need it."""

from __future__ import annotations


class Usage:
    """Tokens of one answer. `estimated` when the provider did not say; `prompt_told`: but it did say how many it was
    asked, and `completion` is the least it can be.

    Of `prompt`, `cached` were read from the provider's cache, `cache_write` written to it and `audio_prompt` were
    audio; of `completion`, `reasoning` were not shown and `audio_completion` were audio. `batched`: the provider says
    that it charges them as a batch.
    """

    __slots__ = (
        "audio_completion", "audio_prompt", "batched", "cache_write", "cached", "completion", "estimated", "prompt",
        "prompt_told", "reasoning",
    )  # fmt: skip

    def __init__(
        self,
        prompt: int = 0,
        completion: int = 0,
        cached: int = 0,
        cache_write: int = 0,
        reasoning: int = 0,
        audio_prompt: int = 0,
        audio_completion: int = 0,
        estimated: bool = False,
        prompt_told: bool = False,
        batched: bool = False,
    ) -> None:
        # A dataclass would do, but compiled it is made by an interpreted method.
        self.prompt = prompt
        self.completion = completion
        self.cached = cached
        self.cache_write = cache_write
        self.reasoning = reasoning
        self.audio_prompt = audio_prompt
        self.audio_completion = audio_completion
        self.estimated = estimated
        self.prompt_told = prompt_told
        self.batched = batched

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Usage) and self.fields() == other.fields()

    def __hash__(self) -> int:
        return hash(self.fields())

    def __repr__(self) -> str:
        return f"Usage{self.fields()}"

    def fields(self) -> tuple[int, ...]:
        """All numbers, in the order in which they are given."""
        return (
            self.prompt, self.completion, self.cached, self.cache_write, self.reasoning, self.audio_prompt,
            self.audio_completion, self.estimated, self.prompt_told, self.batched,
        )  # fmt: skip
