"""The usage of an answer whose provider did not tell it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from gateway.pricing import counted
from gateway.providers import Request, Usage

_log = logging.getLogger("gateway.worker")


async def of_answer(request: Request, body: bytes, usage: Usage) -> Usage:
    """`usage` where it was told; else counted, and marked as estimated."""
    if not usage.estimated:
        return usage
    return await asyncio.to_thread(_counted, request, usage, [body], None)


async def of_stream(request: Request, events: Sequence[bytes], sent_bytes: int, usage: Usage) -> Usage:
    """The same of a stream; of a very long one `events` are only the first that it sent."""
    if not usage.estimated:
        return usage
    return await asyncio.to_thread(_counted, request, usage, events, sent_bytes)


def _counted(request: Request, usage: Usage, parts: Sequence[bytes], sent_bytes: int | None) -> Usage:
    try:
        prompt = usage.prompt if usage.prompt_told else counted.prompt_tokens(request.body)
        if sent_bytes is None:
            completion = counted.completion_tokens(request.kind, parts[0])
        else:
            completion = counted.streamed_tokens(request.kind, parts)
            kept = sum(map(len, parts))
            completion = completion * sent_bytes // kept if kept < sent_bytes else completion
    except (ValueError, TypeError, AttributeError):
        # Whatever the shape was, it has been answered: what the provider's module counted must do.
        _log.exception("tokens could not be counted")
        return usage
    if usage.prompt_told:
        # Such providers tell their tokens as they go: there are at least as many.
        completion = max(completion, usage.completion)
    return replace(usage, prompt=prompt, completion=completion)
