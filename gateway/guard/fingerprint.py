"""What a request is about, as two small numbers. Nothing of its content is kept.

The numbers are Python's own keyed hashes: they mean something in this process only, and nobody can choose them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_VARYING: Final = b"0123456789 \t\r\n"
_LOWER: Final = bytes(range(256)).lower()
_LONGEST: Final = 4096


def fingerprints(body: Mapping[str, Any]) -> tuple[int, int]:
    """(subject, conversation) of a request.

    The subject is the same for requests whose last input differs only in digits, case and white space; the
    conversation for all requests of one conversation: it begins with the same two messages.
    """
    messages = body.get("messages")
    model = str(body.get("model"))
    if not isinstance(messages, list) or not messages:
        text = _text(body.get("input") or body.get("prompt"))
        return hash((model, _normalised(text))), hash(_normalised(text[:256]))
    begins = [_normalised(_text(m.get("content"))) for m in messages[:2] if isinstance(m, dict)]
    last = messages[-1]
    if not isinstance(last, dict):
        subject = _normalised(_text(body.get("input") or body.get("prompt")))
    else:
        # A short conversation's last message is one of those it begins with.
        subject = begins[-1] if len(messages) <= 2 else _normalised(_text(last.get("content")))
    return hash((model, subject)), hash(tuple(begins))


def _text(content: Any) -> str:
    """The text of a message's content, whatever shape it has; other parts count by their type."""
    if isinstance(content, str):
        return content[:_LONGEST]
    if isinstance(content, list):
        parts = (part.get("text") or part.get("type") if isinstance(part, dict) else part for part in content[:64])
        return " ".join(str(part) for part in parts)[:_LONGEST]
    return ""


def _normalised(text: str) -> bytes:
    # One pass over bytes costs a fiftieth of a regular expression, and this runs for every request.
    plain = text if text.isascii() else text.lower()
    return plain.encode("utf-8", "replace").translate(_LOWER, _VARYING)
