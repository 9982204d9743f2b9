"""Image references: parsed strictly before anything runs, because their text ends up in an argument list and a URL."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from stackctl.errors import UsageError

DOCKER_HUB = "docker.io"
_MAX_NAME = 255
_MAX_SHOWN = 80
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]{{1,5}})?")
_STEP = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Reference:
    """An image by registry, repository and tag or digest (or both)."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """registry/repository."""
        return f"{self.registry}/{self.repository}"

    def at(self, digest: str) -> Reference:
        """The same image, named by `digest` as well."""
        return replace(self, digest=digest)

    @property
    def pinned(self) -> str:
        """repository@digest: what may run. The tag is left out, because it could only mislead."""
        return f"{self.name}@{self.digest}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def parse_reference(text: str) -> Reference:
    """Parse `[registry/]repository[:tag][@sha256:…]`; docker.io, library/ and :latest are filled in as Docker does.

    Raises UsageError for anything else. The grammar is that of the distribution project's reference package, with
    SHA-256 as the only digest.
    """
    rest, _, digest = text.partition("@")
    if ("@" in text and not _DIGEST.fullmatch(digest)) or not text.isascii():
        raise _malformed(text)
    name, tag = _split_tag(rest)
    registry, path = _split_registry(name)
    if ":" in rest.rsplit("/", 1)[-1] and not _TAG.fullmatch(tag):
        raise _malformed(text)
    if len(name) > _MAX_NAME or not path or not all(_STEP.fullmatch(step) for step in path.split("/")):
        raise _malformed(text)
    if not _REGISTRY.fullmatch(registry):
        raise _malformed(text)
    if registry == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    return Reference(registry, path, tag if tag or digest else "latest", digest)


def is_digest(text: str) -> bool:
    """Whether `text` is a well-formed SHA-256 digest."""
    return bool(_DIGEST.fullmatch(text))


def is_tag(text: str) -> bool:
    """Whether `text` is a well-formed tag."""
    return bool(_TAG.fullmatch(text))


def _split_tag(rest: str) -> tuple[str, str]:
    head, slash, last = rest.rpartition("/")
    last, _, tag = last.partition(":")
    return f"{head}{slash}{last}", tag


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, path = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return ("docker.io" if first == "index.docker.io" else first), path
    return DOCKER_HUB, name


def _malformed(text: str) -> UsageError:
    shown = ascii(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…")
    return UsageError(
        f"{shown} is not an image reference", remedy="write registry/repository:tag or registry/repository@sha256:…"
    )
