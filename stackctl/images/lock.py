"""stack.lock: which digest of each image was verified, by what and when. `render` and `up` run these digests."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stackctl.errors import UsageError
from stackctl.images.outcome import Outcome
from stackctl.images.policy import first_fault
from stackctl.images.reference import parse_reference
from stackctl.images.report import ImageReport
from stackctl.yaml_data import load_yaml

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
_HEADER = (
    "# Written by `stackctl verify-image --pin`: the image digests that were verified. Commit it.\n"
    "# Do not edit: a digest put in by hand has not been verified.\n"
)
_REMEDY = "delete it and run `stackctl verify-image --all --pin`"


class LockEntry(BaseModel):
    """One image: the digest, and how it came to be trusted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    digest: Digest
    outcome: Literal["verified", "exempt"]
    policy: str = ""
    signer: str = ""
    signed_by: str = ""
    key_sha256: str = ""
    verifier: str = ""
    not_checked: list[str] = Field(default_factory=list)
    time: datetime


class Lock(BaseModel):
    """stack.lock: entries by image reference, normalised (docker.io/library/redis:7)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    images: dict[str, LockEntry] = Field(default_factory=dict)

    def entry(self, image: str) -> LockEntry | None:
        """The entry of an image as a spec names it; raises UsageError for a malformed reference."""
        return self.images.get(str(parse_reference(image)))

    def pinned(self, image: str) -> str | None:
        """repository@digest to run instead of `image`; None if it was never pinned."""
        entry = self.entry(image)
        return parse_reference(image).at(entry.digest).pinned if entry else None


def load_lock(file: Path) -> Lock:
    """Read a lock; an absent one is empty. Raises UsageError for anything but a valid lock."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Lock()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}", remedy=_REMEDY) from error
    try:
        lock = Lock.model_validate(load_yaml(text))
    except yaml.YAMLError:
        raise UsageError(f"{file} is not YAML", remedy=_REMEDY) from None
    except ValidationError as error:
        raise UsageError(f"{file} is not valid: {first_fault(error)}", remedy=_REMEDY) from None
    for image in lock.images:
        parse_reference(image)
    return lock


def pin(file: Path, reports: list[ImageReport]) -> Lock:
    """Write the good images of `reports` into the lock; other entries stay. Whole or not at all.

    Raises UsageError if the file cannot be written.
    """
    entries = dict(load_lock(file).images)
    entries |= {str(parse_reference(report.image)): _entry(report) for report in reports if report.outcome.good}
    lock = Lock(images=dict(sorted(entries.items())))
    text = _HEADER + yaml.safe_dump(lock.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)
    try:
        _replace(file, text)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {(error.strerror or str(error)).lower()}") from error
    return lock


def _entry(report: ImageReport) -> LockEntry:
    return LockEntry(
        digest=report.digest,
        outcome="verified" if report.outcome is Outcome.VERIFIED else "exempt",
        policy=report.policy,
        signer=report.signer,
        signed_by=report.signed_by,
        key_sha256=report.key_sha256,
        verifier=report.verifier,
        not_checked=list(report.not_checked),
        time=datetime.now(UTC).replace(microsecond=0),
    )


def _replace(file: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        temporary.chmod(0o644)
        temporary.replace(file)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
