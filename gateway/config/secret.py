"""Secrets are references: `env:NAME` or `file:path`. A literal secret in a config is an error."""

from __future__ import annotations

import os
from pathlib import Path

_CREDENTIAL_WORDS = ("authorization", "key", "token", "secret", "cookie", "password")
_FRAMING = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding"})


def check_reference(text: str) -> str:
    """Return the reference unchanged. Raises ValueError without repeating a literal secret."""
    scheme, colon, rest = text.partition(":")
    if not colon or scheme not in ("env", "file") or not rest:
        raise ValueError("must be env:NAME or file:path, never the secret itself")
    return text


def is_reference(text: str) -> bool:
    """Whether a field that may hold plain text holds a reference to a secret."""
    return text.startswith(("env:", "file:"))


def check_header(name: str, value: str) -> None:
    """Raises ValueError for a header that no request may carry, or that is a credential in clear."""
    if name.lower() in _FRAMING:
        raise ValueError(f"headers: {name} is set by the gateway itself")
    if any(word in name.lower() for word in _CREDENTIAL_WORDS):
        if not is_reference(value):
            raise ValueError(f"headers: {name} is a credential: use env:NAME or file:path")
    elif not value.isprintable() or not value.isascii():
        raise ValueError(f"headers: {name} holds a character that no header may carry")


def resolve(reference: str, base: Path, *, spaces: bool = False) -> str:
    """The secret's value; relative paths start at `base`. Raises ValueError saying what is missing.

    `spaces`: the value may hold spaces, as a header's may (`Bearer ...`).
    """
    scheme, _, rest = reference.partition(":")
    value = _from_environment(rest) if scheme == "env" else _from_file(base / Path(rest).expanduser())
    if not value:
        raise ValueError(f"{reference} is empty")
    text = value.replace(" ", "") if spaces else value
    if any(c.isspace() or not c.isprintable() or ord(c) > 126 for c in text):
        raise ValueError(f"{reference} holds a space or a character that no header may carry")
    return value


def _from_environment(name: str) -> str:
    try:
        return os.environ[name].strip()
    except KeyError:
        raise ValueError(f"environment variable {name} is not set") from None


def _from_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not text") from None
