"""Sigstore bundles v0.3 attached as OCI referrers (cosign 3): a DSSE envelope around an in-toto statement.

https://github.com/sigstore/protobuf-specs (sigstore_bundle.proto), https://github.com/secure-systems-lab/dsse
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackctl.images.builtin.claim import Examined, Finding
from stackctl.images.builtin.keys import Key, decoded, signed_by
from stackctl.images.builtin.log import bundle_entry, concerns, promised, time_of
from stackctl.images.cosign.output import BUNDLE_TYPE
from stackctl.images.storage import BUNDLE_V03, is_bundle, referring
from stackctl.images.strict_json import StrictJsonError, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.images.registry import Manifest, Registry
    from stackctl.images.verdict import Subject

_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT_TYPES = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
_MAX_BUNDLE = 1024 * 1024


def bundles(registry: Registry, subject: Subject) -> Iterator[bytes | None]:
    """The attached bundles' bytes; None for one that cannot be read or is of another version."""
    for manifest in referring(registry, subject):
        if is_bundle(manifest):
            yield _content(registry, subject, manifest)


def examine_bundle(content: bytes | None, subject: Subject, key: Key, logs: dict[str, Key]) -> Examined:
    """One bundle, examined with `key`; `logs` are the log keys to believe."""
    try:
        bundle = parse(content or b"")
        envelope, material = bundle["dsseEnvelope"], bundle["verificationMaterial"]
        payload, signatures = decoded(envelope["payload"]), envelope["signatures"]
        signature = decoded(signatures[0]["sig"])
        payload_type = str(envelope["payloadType"])
        certified = "certificate" in material or "x509CertificateChain" in material
    except (StrictJsonError, KeyError, TypeError, IndexError):
        return Examined(Finding.FOREIGN, "a bundle that cannot be read")
    if certified:
        return Examined(Finding.FOREIGN, "signed by a certificate, not by a key")
    if bundle.get("mediaType") != BUNDLE_V03 or len(signatures) != 1 or payload is None or signature is None:
        return Examined(Finding.FOREIGN, "a bundle of another form")
    signed = pae(payload_type, payload)
    if not signed_by(key, signature, signed):
        return Examined(Finding.FOREIGN, "signed by another key, or changed since")
    finding = read_statement(payload_type, payload, subject.digest)
    if finding.finding is not Finding.GOOD:
        return finding
    return _with_log(material, signature, payload, key, logs)


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is really signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def read_statement(payload_type: str, payload: bytes, digest: str) -> Examined:
    """Whether a signed statement is a signature of the image with `digest`, and not an attestation about it."""
    try:
        statement = parse(payload)
        kind, predicate = statement["_type"], statement["predicateType"]
        subjects = [str(entry["digest"].get("sha256")) for entry in statement["subject"]]
    except (StrictJsonError, KeyError, TypeError, AttributeError):
        return Examined(Finding.FOREIGN, "a statement that cannot be read")
    if payload_type != _PAYLOAD_TYPE or kind not in _STATEMENT_TYPES:
        return Examined(Finding.FOREIGN, "not an in-toto statement")
    if digest not in [f"sha256:{value}" for value in subjects]:
        return Examined(Finding.FOREIGN, "a signature of another image")
    if predicate != BUNDLE_TYPE:
        return Examined(Finding.NOT_A_SIGNATURE, f"an attestation ({str(predicate)[:80]})")
    return Examined(Finding.GOOD)


def _with_log(material: dict[str, Any], signature: bytes, payload: bytes, key: Key, logs: dict[str, Key]) -> Examined:
    entries = material.get("tlogEntries") or []
    for raw in entries if isinstance(entries, list) else []:
        entry = bundle_entry(raw)
        if entry and promised(entry, logs) and concerns(entry, signature, payload, key):
            return Examined(Finding.GOOD, logged=True, signed_at=time_of(entry))
    return Examined(Finding.GOOD)


def _content(registry: Registry, subject: Subject, manifest: Manifest) -> bytes | None:
    data = manifest.data
    layers = data.get("layers")
    refers = data.get("subject")
    if not isinstance(layers, list) or len(layers) != 1 or not isinstance(refers, dict):
        return None
    if refers.get("digest") != subject.digest or layers[0].get("mediaType") != BUNDLE_V03:
        return None
    content = registry.blob(subject.place, str(layers[0].get("digest")), _MAX_BUNDLE)
    return content if content is not None and len(content) == layers[0].get("size") else None
