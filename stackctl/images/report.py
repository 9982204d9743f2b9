"""What is known of one image after a verification: the outcome, and what was and was not checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from stackctl.images.outcome import Outcome


@dataclass(frozen=True)
class Attempt:
    """One signer of the policy, tried."""

    signer: str
    outcome: Outcome
    message: str

    def as_json(self) -> dict[str, str]:
        return {"signer": self.signer, "outcome": self.outcome.value, "message": self.message}


@dataclass(frozen=True)
class ImageReport:
    """The result for one image. `seconds` is wall time, `cosign_seconds` the part spent waiting for cosign."""

    image: str
    outcome: Outcome
    message: str = ""
    remedy: str = ""
    part: str = ""
    digest: str = ""
    policy: str = ""
    signer: str = ""
    signed_by: str = ""
    key_sha256: str = ""
    verifier: str = ""
    checked: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    seconds: float = 0.0
    cosign_seconds: float = 0.0
    pinned: bool = False

    @property
    def line(self) -> str:
        """The one clear line."""
        if self.outcome is Outcome.VERIFIED:
            return f"{self.image}: verified {self.digest}, signed by {self.signed_by} ({self.policy}/{self.signer})"
        return f"{self.image}: {self.outcome.title}: {self.message}"

    def with_(self, **changes: Any) -> ImageReport:
        """A copy with some fields replaced."""
        return replace(self, **changes)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "part": self.part,
            "image": self.image,
            "outcome": self.outcome.value,
            "exit_code": self.outcome.exit_code,
            "line": self.line,
            "remedy": self.remedy,
            "digest": self.digest,
            "policy": self.policy,
            "signer": self.signer,
            "signed_by": self.signed_by,
            "verifier": self.verifier,
            "checked": list(self.checked),
            "not_checked": list(self.not_checked),
            "warnings": list(self.warnings),
            "attempts": [attempt.as_json() for attempt in self.attempts],
            "pinned": self.pinned,
            "seconds": round(self.seconds, 4),
            "cosign_seconds": round(self.cosign_seconds, 4),
        }


def exit_code_of(reports: list[ImageReport]) -> int:
    """0 if every image may run; the outcome's own code if all failures share it; else 1."""
    codes = {report.outcome.exit_code for report in reports if not report.outcome.good}
    if not codes:
        return 0
    return codes.pop() if len(codes) == 1 else 1
