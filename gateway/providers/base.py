"""The seam every provider implements. A provider knows nothing of keys or money."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, Literal, Protocol, get_args

from gateway.config import Deployment
from gateway.tokens import Usage
from gateway.upstream import Body, Reply

# What a client asked for, named by its endpoint.
Kind = Literal["chat", "completions", "embeddings", "responses", "messages", "count_tokens"]
_LIMITS: Final = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_NONE: Final[Mapping[str, str]] = {}
KINDS: tuple[Kind, ...] = get_args(Kind)


class Request:
    """A request as the client sent it, in the form of its `kind`. `body` must not be changed: fallbacks need it again.

    `wants_usage` says that a chat stream shows its usage. `headers` are those a provider of the same form may need
    (`anthropic-beta`).
    """

    __slots__ = ("body", "headers", "kind", "raw_size", "stream", "wants_usage")

    def __init__(
        self, kind: Kind, body: dict[str, Any], raw_size: int, stream: bool = False, wants_usage: bool = False
    ) -> None:
        self.kind = kind
        self.body = body
        self.raw_size = raw_size
        self.stream = stream
        self.wants_usage = wants_usage
        self.headers: Mapping[str, str] = _NONE

    @property
    def most_completion(self) -> int | None:
        """The client's own limit of completion tokens; nothing to complete is a limit of 0."""
        if self.kind in ("embeddings", "count_tokens"):
            return 0
        for name in _LIMITS:
            if name in self.body:
                value = self.body[name]
                if isinstance(value, int) and value > 0:
                    return value
        return None


class Answer:
    """A whole answer: the bytes to send on and what they cost in tokens."""

    __slots__ = ("body", "usage")

    def __init__(self, body: bytes, usage: Usage) -> None:
        self.body = body
        self.usage = usage


class Stream(Protocol):
    """A stream whose upstream has accepted. Iterating yields whole SSE events as bytes, in the form of the request's
    kind, but not the one that ends the stream: that is `closing`, and it is right once iteration has ended.

    `usage` is right once iteration has ended; before that it is the best estimate. Iteration raises
    UpstreamError when the upstream breaks off. `close` may be called at any time.
    """

    @property
    def usage(self) -> Usage: ...

    @property
    def closing(self) -> bytes: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def close(self) -> None: ...


class Direct(Protocol):
    """A provider whose plain requests can be sent and their answers read without waiting in between."""

    def begin(self, deployment: Deployment, request: Request, reply: Reply) -> Callable[[], None] | None:
        """Send a request on a connection that is there; `reply` is told what comes of it. Returns what gives it up.

        None when there is no such connection: nothing was done then.
        """
        ...

    def read(self, deployment: Deployment, request: Request, body: Body) -> Answer:
        """The answer in a whole response. Raises UpstreamError."""
        ...


class Provider(Protocol):
    """One kind of upstream."""

    def kinds(self, deployment: Deployment, /) -> frozenset[str]:
        """The kinds of request this deployment takes as they are."""
        ...

    def complete(self, deployment: Deployment, request: Request) -> Awaitable[Answer]:
        """Awaiting it raises UpstreamError."""
        ...

    async def stream(self, deployment: Deployment, request: Request) -> Stream:
        """Raises UpstreamError when the upstream refuses."""
        ...

    async def close(self) -> None:
        """Give up connections."""
        ...
