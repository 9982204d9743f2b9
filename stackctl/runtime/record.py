"""What a running stack was started from, kept beside it, so that a later `up` knows what has changed."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from stackctl.runtime.environment import secret_digests
from stackctl.runtime.parts import parts_of

if TYPE_CHECKING:
    from pathlib import Path

    from stackctl.spec import Spec
    from stackctl.stack import StackDir


@dataclass(frozen=True, slots=True)
class Record:
    """The bundle's files by SHA-256, salted digests of the secrets in the environment, and the addresses in use."""

    files: dict[str, str]
    secrets: dict[str, str]
    salt: str
    addresses: dict[str, list[str | int]]

    def changed_files(self, stack: StackDir) -> frozenset[str]:
        """The files of the bundle, relative to it, that are new, gone or different by now."""
        now = bundle_files(stack.bundle)
        return frozenset(name for name in now.keys() | self.files.keys() if now.get(name) != self.files.get(name))

    def changed_secrets(self, spec: Spec) -> frozenset[str]:
        """Environment variables the spec refers to whose value here is not the one the stack was started with."""
        now = secret_digests(spec, self.salt)
        return frozenset(name for name, digest in now.items() if self.secrets.get(name) != digest)


def take_record(stack: StackDir, spec: Spec, *, salt: str = "") -> Record:
    """The record of a stack started now."""
    salt = salt or secrets.token_hex(16)
    addresses: dict[str, list[str | int]] = {part.name: [part.host, part.port] for part in parts_of(spec)}
    return Record(bundle_files(stack.bundle), secret_digests(spec, salt), salt, addresses)


def save_record(stack: StackDir, record: Record) -> None:
    """Write it in one step, readable by nobody else."""
    target, draft = _file(stack), _file(stack).with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(record), file, indent=1, sort_keys=True)
    draft.replace(target)


def load_record(stack: StackDir) -> Record | None:
    """The record of the running stack; None if there is none that can be read."""
    try:
        return Record(**json.loads(_file(stack).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def remove_record(stack: StackDir) -> None:
    _file(stack).unlink(missing_ok=True)


def bundle_files(bundle: Path) -> dict[str, str]:
    """SHA-256 of every file in the bundle that a part reads, by path relative to the bundle.

    The files themselves are asked, not the manifest: a hand edit must reach the running parts too.
    """
    files = (path for path in bundle.rglob("*") if path.is_file() and path.name != "manifest.json")
    return {path.relative_to(bundle).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _file(stack: StackDir) -> Path:
    return stack.state / "runtime.json"
