"""The cases of the conformance suite, and what a client made of an answer, in words that every client shares."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, Protocol

# A PNG of 1 x 1 pixels.
IMAGE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
IMAGE_URL = f"data:image/png;base64,{base64.b64encode(IMAGE).decode()}"
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}


@dataclass
class Said:
    """What the client understood. `calls` are names and arguments."""

    text: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    finish: str = ""
    prompt: int = 0
    completion: int = 0
    cached: int = 0
    pieces: int = 0


@dataclass
class Failed:
    """What the client raised."""

    status: int
    type: str
    retry_after: str | None = None
    message: str = ""


class Client(Protocol):
    """One client library, asked in its own words."""

    def chat(self, model: str, stream: bool) -> Said:
        """A system prompt and a question, with a limit of tokens and a temperature."""
        ...

    def image(self, model: str) -> Said:
        """A question about IMAGE."""
        ...

    def tools(self, model: str, stream: bool) -> tuple[Said, Said]:
        """Two tools that must be called; then, with their results, the answer."""
        ...

    def json(self, model: str) -> Said:
        """An answer that fits PARAMETERS."""
        ...

    def fail(self, model: str, stream: bool) -> Failed:
        """A question whose answer is an error, before the first byte."""
        ...

    def broken(self, model: str) -> tuple[str, bool]:
        """A stream that breaks off: the text before, and whether the client was told."""
        ...

    def leave(self, model: str) -> str:
        """A stream that is left after its first text."""
        ...
