"""What a verification can end with: each outcome has its own exit code and sentence."""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    """The value names the outcome in JSON and in stack.lock; `exit_code` refines the CLI contract's 1 and 3."""

    VERIFIED = "verified"
    EXEMPT = "exempt"
    TOOL = "tool"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    NO_SIGNATURE = "no-signature"
    MISSING = "missing"
    OTHER_SIGNER = "other-signer"
    DENIED = "denied"
    MOVED = "moved"

    @property
    def exit_code(self) -> int:
        """The process exit code that says this."""
        return _CODES[self]

    @property
    def title(self) -> str:
        """The outcome in a few words, for tables."""
        return _TITLES[self]

    @property
    def good(self) -> bool:
        """Whether the image may run."""
        return self.exit_code == 0


_CODES = {
    Outcome.VERIFIED: 0,
    Outcome.EXEMPT: 0,
    Outcome.TOOL: 3,
    Outcome.UNREACHABLE: 4,
    Outcome.UNKNOWN: 5,
    Outcome.NO_SIGNATURE: 10,
    Outcome.MISSING: 11,
    Outcome.OTHER_SIGNER: 12,
    Outcome.DENIED: 14,
    Outcome.MOVED: 15,
}
_TITLES = {
    Outcome.VERIFIED: "verified",
    Outcome.EXEMPT: "not verified (exempt)",
    Outcome.TOOL: "cosign missing or too old",
    Outcome.UNREACHABLE: "registry, key or log unreachable",
    Outcome.UNKNOWN: "cannot tell",
    Outcome.NO_SIGNATURE: "no signature",
    Outcome.MISSING: "no such image",
    Outcome.OTHER_SIGNER: "signed by somebody else",
    Outcome.DENIED: "denied release",
    Outcome.MOVED: "digest changed",
}


class Stopped(Exception):  # noqa: N818 it ends a verification, and never leaves this package
    """A verification ended before a verifier could answer."""

    def __init__(self, outcome: Outcome, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.outcome, self.message, self.remedy = outcome, message, remedy
