"""What a request is about, as two small numbers. Nothing of its content is kept."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

_VARYING = b"0123456789 \t\r\n"
_LONGEST = 4096


def subject_of(body: Mapping[str, Any]) -> int:
    """The same for requests whose last input differs only in digits, case and white space."""
    return _digest(str(body.get("model")).encode(), _normalised(_last_text(body)))


def conversation_of(body: Mapping[str, Any]) -> int:
    """The same for all requests of one conversation: it begins with the same two messages."""
    messages = body.get("messages")
    if isinstance(messages, list) and messages:
        return _digest(*(_normalised(_text(m.get("content"))) for m in messages[:2] if isinstance(m, dict)))
    return _digest(_normalised(_last_text(body)[:256]))


def _last_text(body: Mapping[str, Any]) -> str:
    messages = body.get("messages")
    if isinstance(messages, list) and messages and isinstance(messages[-1], dict):
        return _text(messages[-1].get("content"))
    return _text(body.get("input") or body.get("prompt"))


def _text(content: Any) -> str:
    """The text of a message's content, whatever shape it has; other parts count by their type."""
    if isinstance(content, str):
        return content[:_LONGEST]
    if isinstance(content, list):
        parts = (part.get("text") or part.get("type") if isinstance(part, dict) else part for part in content[:64])
        return " ".join(str(part) for part in parts)[:_LONGEST]
    return ""


def _normalised(text: str) -> bytes:
    # Deleting bytes costs a fiftieth of a regular expression, and this runs for every request.
    return text.lower().encode("utf-8", "replace").translate(None, _VARYING)


def _digest(*texts: bytes) -> int:
    return int.from_bytes(blake2b(b"\0".join(texts), digest_size=8).digest(), "big")
