"""A stack on disk: the directory that holds a spec, and the places that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SPEC_FILE = "stack.yaml"


@dataclass(frozen=True)
class StackDir:
    """The places in a stack directory (docs/decisions/001)."""

    root: Path

    @property
    def spec(self) -> Path:
        return self.root / SPEC_FILE

    @property
    def lock(self) -> Path:
        return self.root / "stack.lock"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def bundle(self) -> Path:
        return self.root / "bundle"

    @property
    def state(self) -> Path:
        return self.root / ".stackctl"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def proofs(self) -> Path:
        return self.state / "proofs"
