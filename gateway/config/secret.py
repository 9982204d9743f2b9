"""Secrets are references: `env:NAME` or `file:path`. A literal secret in a config is an error."""

from __future__ import annotations

import os
from pathlib import Path


def check_reference(text: str) -> str:
    """Return the reference unchanged. Raises ValueError without repeating a literal secret."""
    scheme, colon, rest = text.partition(":")
    if not colon or scheme not in ("env", "file") or not rest:
        raise ValueError("must be env:NAME or file:path, never the secret itself")
    return text


def resolve(reference: str, base: Path) -> str:
    """The secret's value; relative paths start at `base`. Raises ValueError saying what is missing."""
    scheme, _, rest = reference.partition(":")
    value = _from_environment(rest) if scheme == "env" else _from_file(base / Path(rest).expanduser())
    if not value:
        raise ValueError(f"{reference} is empty")
    if any(c.isspace() or not c.isprintable() or ord(c) > 126 for c in value):
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
