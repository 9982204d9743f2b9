"""Rekor's signed promise (SET) that an entry is in the transparency log, checked with the log's own key.

A promise is the log's signature over the entry, not a proof of inclusion; cosign 2.x accepts the same. The format is
canonical JSON of body, integratedTime, logID and logIndex: https://docs.sigstore.dev/logging/verify-release/ and
cosign's pkg/cosign/verify.go, VerifySET.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from stackctl.images.builtin.keys import Key, decoded, signed_by
from stackctl.images.builtin.trust_root import trust_root
from stackctl.images.strict_json import StrictJsonError, parse

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One promise: the entry's body in base64, when and where it was logged, and the log's signature."""

    body: str
    integrated_time: int
    log_id: str
    """Hex."""
    log_index: int
    promise: bytes


def log_keys(trusted_root: Path | None) -> dict[str, Key]:
    """The log keys of a trusted root (the shipped one by default), by log id: the hex SHA-256 of the key.

    Raises Stopped if the root cannot be used.
    """
    # The library's public classes do not give the keys away; its own model of the file does.
    logs = trust_root(trusted_root)._inner.tlogs
    encoded = [bytes(log.public_key.raw_bytes) for log in logs if log.public_key.raw_bytes]
    keys = {hashlib.sha256(der).hexdigest(): load_der_public_key(der) for der in encoded}
    return {log_id: key for log_id, key in keys.items() if isinstance(key, Key)}


def legacy_entry(annotation: str) -> Entry | None:
    """The entry in a tag-stored signature's `dev.sigstore.cosign/bundle` annotation."""
    try:
        bundle = parse(annotation)
        payload = bundle["Payload"]
        promise = decoded(bundle["SignedEntryTimestamp"]) or b""
        return Entry(
            str(payload["body"]),
            int(payload["integratedTime"]),
            str(payload["logID"]),
            int(payload["logIndex"]),
            promise,
        )
    except (StrictJsonError, KeyError, TypeError, ValueError):
        return None


def bundle_entry(entry: dict[str, Any]) -> Entry | None:
    """The promise in a bundle's `tlogEntries` element; None if it carries only a proof of inclusion."""
    try:
        promise = decoded(entry["inclusionPromise"]["signedEntryTimestamp"]) or b""
        log_id = decoded(entry["logId"]["keyId"]) or b""
        return Entry(
            str(entry["canonicalizedBody"]), int(entry["integratedTime"]), log_id.hex(), int(entry["logIndex"]), promise
        )
    except (KeyError, TypeError, ValueError):
        return None


def promised(entry: Entry, keys: dict[str, Key]) -> bool:
    """Whether a log of the trusted root signed this entry."""
    key = keys.get(entry.log_id)
    if key is None:
        return False
    signed = {
        "body": entry.body,
        "integratedTime": entry.integrated_time,
        "logID": entry.log_id,
        "logIndex": entry.log_index,
    }
    canonical = json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()
    return signed_by(key, entry.promise, canonical)


def concerns(entry: Entry, signature: bytes, signed: bytes, key: Key) -> bool:
    """Whether the entry is about this very signature, content and key: else any entry would do (CVE-2026-22703)."""
    try:
        body = parse(decoded(entry.body) or b"")
        spec, kind = body["spec"], body["kind"]
        if kind == "hashedrekord":
            logged = (
                spec["signature"]["content"],
                spec["signature"]["publicKey"]["content"],
                spec["data"]["hash"]["value"],
            )
        elif kind == "dsse":
            inner = spec["signatures"][0]
            logged = inner["signature"], inner["verifier"], spec["payloadHash"]["value"]
        else:
            return False
    except (StrictJsonError, KeyError, TypeError, IndexError):
        return False
    return (
        decoded(logged[0]) == signature
        and _same_key(decoded(logged[1]) or b"", key)
        and logged[2] == hashlib.sha256(signed).hexdigest()
    )


def time_of(entry: Entry) -> datetime:
    """When the log took the entry."""
    return datetime.fromtimestamp(entry.integrated_time, UTC)


def _same_key(pem: bytes, key: Key) -> bool:
    try:
        logged = load_pem_public_key(pem)
    except ValueError:
        return False
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    return logged.public_bytes(*form) == key.public_bytes(*form)
