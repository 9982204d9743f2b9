"""What a stand-in answers: the same for the same question, whatever the provider."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

# Every answer takes these; each provider tells them in its own way.
PROMPT, CACHED, COMPLETION, REASONING = 20, 8, 9, 3
ARGUMENTS = {"city": "Paris", "days": 2}


@dataclass(frozen=True)
class Question:
    """A request, whatever its format."""

    functions: tuple[str, ...] = ()
    result: str | None = None
    image: int | None = None
    json: bool = False
    thinks: bool = False


@dataclass(frozen=True)
class Reply:
    """Text in pieces, or calls of functions."""

    pieces: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    thought: str = ""

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def reply(provider: str, question: Question) -> Reply:
    """Two calls at once if there are two functions."""
    if question.result is not None:
        return Reply(("The tool ", "said: ", question.result))
    if question.functions:
        return Reply(calls=question.functions)
    if question.image is not None:
        return Reply(("An image ", f"of {question.image} bytes"))
    if question.json:
        text = json.dumps(ARGUMENTS)
        return Reply((text[:5], text[5:]))
    return Reply(("Hello ", "from ", provider), thought="Hm, " if question.thinks else "")


def size_of(base64_text: Any) -> int:
    """Bytes of an image in base64."""
    return len(base64.b64decode(base64_text, validate=True))
