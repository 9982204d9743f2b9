"""The usage of an answer whose provider did not tell it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from gateway import counting
from gateway.counting import Texts, TokenCounter
from gateway.providers import Request
from gateway.tokens import Usage

_log = logging.getLogger("gateway.worker")
_counter: TokenCounter | None = None


def count_with(counter: TokenCounter) -> None:
    """Have this process's tokens counted there."""
    global _counter
    _counter = counter


async def of_answer(request: Request, body: bytes, usage: Usage) -> Usage:
    """`usage` where it was told; else counted, and marked as estimated."""
    return await _counted(request, usage, [body], None)


async def of_stream(request: Request, events: Sequence[bytes], sent_bytes: int, usage: Usage) -> Usage:
    """The same of a stream; of a very long one `events` are only the first that it sent."""
    return await _counted(request, usage, events, sent_bytes)


async def _counted(request: Request, usage: Usage, parts: Sequence[bytes], sent_bytes: int | None) -> Usage:
    if not usage.estimated or _counter is None:
        return usage
    try:
        texts = await asyncio.to_thread(_texts, request, usage, parts, sent_bytes)
    except (ValueError, TypeError, AttributeError):
        # Whatever the shape was, it has been answered: what the provider's module counted must do.
        _log.exception("tokens could not be counted")
        return usage
    prompt, completion = await _counter.count(texts)
    if usage.prompt_told:
        prompt = usage.prompt
    kept = sum(map(len, parts))
    if sent_bytes is not None and kept < sent_bytes:
        completion = completion * sent_bytes // kept
    if usage.prompt_told:
        # Such providers tell their tokens as they go: there are at least as many.
        completion = max(completion, usage.completion)
    usage.prompt, usage.completion = prompt, completion
    return usage


def _texts(request: Request, usage: Usage, parts: Sequence[bytes], sent_bytes: int | None) -> tuple[Texts, Texts]:
    """The prompt's, where nobody told its tokens, and the completion's."""
    prompt = Texts() if usage.prompt_told else counting.of_prompt(request.body)
    if sent_bytes is None:
        return prompt, counting.of_answer(request.kind, parts[0])
    return prompt, counting.of_stream(request.kind, parts)
