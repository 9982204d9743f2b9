"""Every provider's account of tokens as a Usage, and a Usage as each API's account."""

from __future__ import annotations

from typing import Any, Final

from gateway.tokens import Usage

# No request is this large; a number above it is garbage, and sums of garbage overflow.
_MOST_TOKENS: Final = 100_000_000
# Tiers that cost what a batch costs: https://platform.openai.com/docs/guides/flex-processing
BATCH_TIERS: Final = frozenset({"flex", "batch"})


def tokens(value: Any) -> int:
    """A count of tokens. Raises ValueError for what cannot be one; nothing said is 0."""
    if type(value) is int and 0 <= value <= _MOST_TOKENS:
        return value
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_TOKENS:
        raise ValueError("not a count of tokens")
    return int(value)


def from_chat(usage: dict[str, Any]) -> Usage:
    """OpenAI's `usage` of chat, completions and embeddings. Raises ValueError, TypeError or AttributeError."""
    asked, made = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if (
        type(prompt) is not int
        or type(completion) is not int
        or prompt < 0
        or completion < 0
        or prompt + completion > _MOST_TOKENS
    ):
        prompt, completion = tokens(prompt), tokens(completion)
    if not asked and not made and "prompt_cache_hit_tokens" not in usage:
        return Usage(prompt, completion)
    asked, made = asked or {}, made or {}
    return Usage(
        prompt,
        completion,
        # DeepSeek tells its cache hits beside, not inside.
        tokens(asked.get("cached_tokens") or usage.get("prompt_cache_hit_tokens")),
        tokens(asked.get("cache_creation_tokens") or asked.get("cache_write_tokens")),
        tokens(made.get("reasoning_tokens")),
        tokens(asked.get("audio_tokens")),
        tokens(made.get("audio_tokens")),
    )


def from_responses(usage: dict[str, Any]) -> Usage:
    """OpenAI's `usage` of the Responses API."""
    asked, made = usage.get("input_tokens_details") or {}, usage.get("output_tokens_details") or {}
    return Usage(
        tokens(usage.get("input_tokens")),
        tokens(usage.get("output_tokens")),
        tokens(asked.get("cached_tokens")),
        tokens(asked.get("cache_write_tokens")),
        tokens(made.get("reasoning_tokens")),
    )


def from_messages(usage: dict[str, Any]) -> Usage:
    """Anthropic's `usage`: its input tokens leave out what was read from the cache or written to it."""
    cached, written = tokens(usage.get("cache_read_input_tokens")), tokens(usage.get("cache_creation_input_tokens"))
    details = usage.get("output_tokens_details") or {}
    return Usage(
        tokens(usage.get("input_tokens")) + cached + written,
        tokens(usage.get("output_tokens")),
        cached,
        written,
        tokens(details.get("thinking_tokens")),
    )


def from_gemini(usage: dict[str, Any]) -> Usage:
    """Gemini's `usageMetadata`: thoughts are not part of the candidates' tokens, tools' prompts not of the prompt's."""
    thoughts = tokens(usage.get("thoughtsTokenCount"))
    return Usage(
        tokens(usage.get("promptTokenCount")) + tokens(usage.get("toolUsePromptTokenCount")),
        tokens(usage.get("candidatesTokenCount")) + thoughts,
        tokens(usage.get("cachedContentTokenCount")),
        0,
        thoughts,
        _audio(usage.get("promptTokensDetails")),
        _audio(usage.get("candidatesTokensDetails")),
    )


def to_chat(usage: Usage) -> dict[str, Any]:
    """The `usage` object of a chat completion."""
    shown: dict[str, Any] = {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
    }
    asked = {"cached_tokens": usage.cached}
    if usage.cache_write:
        asked["cache_creation_tokens"] = usage.cache_write
    if usage.audio_prompt:
        asked["audio_tokens"] = usage.audio_prompt
    shown["prompt_tokens_details"] = asked
    made = {"reasoning_tokens": usage.reasoning}
    if usage.audio_completion:
        made["audio_tokens"] = usage.audio_completion
    shown["completion_tokens_details"] = made
    return shown


def to_messages(usage: Usage) -> dict[str, Any]:
    """The `usage` object of an Anthropic message."""
    return {
        "input_tokens": max(usage.prompt - usage.cached - usage.cache_write, 0),
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.completion,
    }


def to_responses(usage: Usage) -> dict[str, Any]:
    """The `usage` object of a response."""
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    }


def _audio(details: Any) -> int:
    if not isinstance(details, list):
        return 0
    return sum(tokens(d.get("tokenCount")) for d in details if isinstance(d, dict) and d.get("modality") == "AUDIO")
