"""What a verifier is asked, and what it answers; cosign and the built-in one share it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from stackctl.images.outcome import Outcome
    from stackctl.images.registry import Place
    from stackctl.spec.images import Trust


@dataclass(frozen=True)
class Subject:
    """One image at one place, by digest, and the repositories its signature may name."""

    place: Place
    digest: str
    names: tuple[str, ...]

    @property
    def reference(self) -> str:
        """host/repository@digest."""
        return f"{self.place.name}@{self.digest}"


@dataclass(frozen=True)
class Signer:
    """One signer of a policy with its files at hand."""

    trust: Trust
    key: bytes | None = None
    key_sha256: str = ""
    trusted_root: Path | None = None

    @property
    def wants_log(self) -> bool:
        return self.trust.transparency_log == "required"

    def __str__(self) -> str:
        if self.key is not None:
            return f"key sha256:{self.key_sha256}"
        return f"identity {self.trust.identity}, issuer {self.trust.issuer}"


@dataclass(frozen=True)
class Verdict:
    """A verifier's answer about one signer. `checked` and `not_checked` are facts, in whole phrases."""

    outcome: Outcome
    message: str = ""
    checked: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    """The repositories the accepted signatures name."""
    signed_at: tuple[datetime, ...] = ()
    """When the transparency log saw the accepted signatures, where a signature carries a checked log entry."""
    cosign_s: float = field(default=0.0, compare=False)
    """Seconds spent waiting for cosign."""


class Verifier(Protocol):
    """Judges one image against one signer; raises Stopped if it cannot start."""

    @property
    def title(self) -> str:
        """Name and version, for reports and stack.lock."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is known to be wrong with this verifier."""
        ...

    def require(self, minimum: str | None) -> None:
        """Raise Stopped(TOOL) if a policy needs a newer cosign than this."""
        ...

    def verify(self, subject: Subject, signer: Signer) -> Verdict:
        """Judge."""
        ...
