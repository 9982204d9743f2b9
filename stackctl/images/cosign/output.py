"""cosign's JSON, read strictly: what it vouches for, for which digest, and of which type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stackctl.images.strict_json import StrictJsonError, parse

LEGACY_TYPE = "cosign container image signature"
BUNDLE_TYPE = "https://sigstore.dev/cosign/sign/v1"
SIGNATURE_TYPES = (LEGACY_TYPE, BUNDLE_TYPE)


class OutputError(ValueError):
    """The output is not what cosign writes for a verified image."""


@dataclass(frozen=True)
class Vouched:
    """One element: the digest it is about, its type, the repository it names and its time in the log."""

    digest: str
    type: str
    name: str
    signed_at: datetime | None = None

    @property
    def is_signature(self) -> bool:
        """An attestation signed by the right key makes cosign 3 exit 0 as well, but it is no signature."""
        return self.type in SIGNATURE_TYPES


def read_output(text: str) -> list[Vouched]:
    """The elements of cosign's one line of JSON; raises OutputError for anything else, an empty list included."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) != 1:
        raise OutputError(f"{len(lines)} lines instead of one")
    try:
        elements = parse(lines[0])
    except StrictJsonError as error:
        raise OutputError(str(error)) from None
    if not isinstance(elements, list) or not elements:
        raise OutputError("no list of signatures")
    return [_vouched(element) for element in elements]


def _vouched(element: Any) -> Vouched:
    try:
        critical = element["critical"]
        digest, kind = critical["image"]["docker-manifest-digest"], critical["type"]
        name = critical["identity"]["docker-reference"]
    except (TypeError, KeyError, IndexError) as error:
        raise OutputError(f"an element without {error}") from None
    if not (isinstance(digest, str) and isinstance(kind, str) and isinstance(name, str)):
        raise OutputError("an element whose fields are not text")
    return Vouched(digest, kind, name.partition("@")[0], _logged_at(element.get("optional")))


def _logged_at(optional: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(optional["Bundle"]["Payload"]["integratedTime"]), UTC)
    except (TypeError, KeyError, ValueError, OverflowError, OSError):
        return None
