"""References to secrets. A spec never holds a secret itself."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from stackctl.errors import UsageError

_PROXY = re.compile(r"(https?|socks5h?)://[^\s/@:]+(:[0-9]{1,5})?/?")
_REFERENCE = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)")


def check_reference(value: str) -> str:
    """`value` if it is a reference; raises ValueError, without repeating it, otherwise."""
    if not _REFERENCE.fullmatch(value):
        raise ValueError("a secret must be a reference, not the secret itself: write env:NAME or file:path")
    return value


def check_proxy(value: str) -> str:
    """`value` if it is `direct`, a reference, or a proxy's URL without a password; raises ValueError otherwise."""
    if value == "direct" or _REFERENCE.fullmatch(value):
        return value
    if not _PROXY.fullmatch(value):
        raise ValueError(
            "must be `direct`, a URL like http://proxy:3128 (also https, socks5, socks5h) without a password, "
            "or a reference to one with it (env:NAME or file:path)"
        )
    return value


Proxy = Annotated[str, AfterValidator(check_proxy)]
"""`direct`, a proxy's URL, or a reference to one that holds a password."""


SecretRef = Annotated[str, AfterValidator(check_reference)]
"""`env:NAME` or `file:path` (relative to the stack directory)."""


def check_file_reference(value: str) -> str:
    """`value` if it is a `file:` reference; raises ValueError, without repeating it, otherwise."""
    if not check_reference(value).startswith("file:"):
        raise ValueError("this secret must be a file: reference, because another program reads the file itself")
    return value


FileRef = Annotated[str, AfterValidator(check_file_reference)]
"""`file:path` (relative to the stack directory)."""


@dataclass(frozen=True)
class Secret:
    """Where a reference points, from the view of one stack directory."""

    reference: str
    root: Path

    @property
    def is_file(self) -> bool:
        return self.reference.startswith("file:")

    @property
    def name(self) -> str:
        return self.reference.split(":", 1)[1]

    @property
    def path(self) -> Path:
        """The file of a `file:` reference."""
        return self.root / Path(self.name).expanduser()

    def read(self) -> str:
        """The secret, without surrounding white space; raises UsageError if it is missing or empty."""
        if not self.is_file:
            value = os.environ.get(self.name, "")
            if not value:
                raise UsageError(f"the environment variable {self.name} is not set", remedy=f"export {self.name}=…")
            return value
        try:
            value = self.path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"the secret file {self.name} cannot be read: {_reason(error)}",
                remedy=f"write the secret into {self.path} with mode 0600",
            ) from error
        if not value:
            raise UsageError(
                f"the secret file {self.name} is empty",
                remedy=f"write the secret into {self.path} with mode 0600",
            )
        return value


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or "cannot be opened").lower() if isinstance(error, OSError) else "is not text"
