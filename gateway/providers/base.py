"""The seam every provider implements. A provider knows nothing of keys or money."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.config import Deployment


@dataclass(slots=True)
class Usage:
    """Tokens of one answer. `estimated` when the provider did not say.

    `cached`, `cache_write` and `audio_prompt` are part of `prompt`; `reasoning` and `audio_completion` of
    `completion`.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    audio_prompt: int = 0
    audio_completion: int = 0
    estimated: bool = False


@dataclass(slots=True)
class ChatRequest:
    """A chat completion as the client sent it. `body` must not be changed: fallbacks need it again."""

    body: dict[str, Any]
    raw_size: int
    stream: bool
    wants_usage: bool

    @property
    def most_completion(self) -> int | None:
        """The client's own limit of completion tokens."""
        for name in ("max_completion_tokens", "max_tokens"):
            value = self.body.get(name)
            if isinstance(value, int) and value > 0:
                return value
        return None


@dataclass(slots=True)
class Answer:
    """A whole answer: the bytes to send on and what they cost in tokens."""

    body: bytes
    usage: Usage


class Stream(Protocol):
    """A stream whose upstream has accepted. Iterating yields whole SSE events as bytes, without `[DONE]`.

    `usage` is right once iteration has ended; before that it is the best estimate. Iteration raises
    UpstreamError when the upstream breaks off. `close` may be called at any time.
    """

    usage: Usage

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def close(self) -> None: ...


class Provider(Protocol):
    """One kind of upstream."""

    async def complete(self, deployment: Deployment, request: ChatRequest) -> Answer:
        """Raises UpstreamError."""
        ...

    async def stream(self, deployment: Deployment, request: ChatRequest) -> Stream:
        """Raises UpstreamError when the upstream refuses."""
        ...

    async def close(self) -> None:
        """Give up connections."""
        ...
