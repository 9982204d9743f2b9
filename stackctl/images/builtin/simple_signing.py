"""Tag-stored signatures (cosign 1 and 2): a manifest whose layers are signed claims.

https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackctl.images.builtin.claim import Examined, Finding
from stackctl.images.builtin.keys import Key, decoded, signed_by
from stackctl.images.builtin.log import concerns, legacy_entry, promised, time_of
from stackctl.images.cosign.output import LEGACY_TYPE
from stackctl.images.registry.client import MANIFEST_TYPES
from stackctl.images.storage import signature_tag
from stackctl.images.strict_json import StrictJsonError, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.images.registry import Registry
    from stackctl.images.verdict import Subject

_LAYER_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
_SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"
_LOG = "dev.sigstore.cosign/bundle"
_MAX_LAYERS = 64
_MAX_CLAIM = 64 * 1024


def examine_claims(registry: Registry, subject: Subject, key: Key, logs: dict[str, Key]) -> Iterator[Examined]:
    """Every tag-stored signature of the image, examined with `key`; `logs` are the log keys to believe."""
    for layer, notes in signature_layers(registry, subject):
        yield _examine(registry, subject, layer, notes, key, logs)


def signature_layers(registry: Registry, subject: Subject) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The layers that hold signed claims, each with its annotations."""
    manifest = registry.manifest(subject.place, signature_tag(subject.digest))
    if manifest is None or (manifest.data.get("mediaType") or manifest.media_type) not in MANIFEST_TYPES:
        return
    layers = manifest.data.get("layers")
    for layer in layers[:_MAX_LAYERS] if isinstance(layers, list) else []:
        if isinstance(layer, dict) and layer.get("mediaType") == _LAYER_TYPE:
            notes = layer.get("annotations")
            yield layer, notes if isinstance(notes, dict) else {}


def _examine(
    registry: Registry,
    subject: Subject,
    layer: dict[str, Any],
    notes: dict[str, Any],
    key: Key,
    logs: dict[str, Key],
) -> Examined:
    if CERTIFICATE in notes:
        return Examined(Finding.FOREIGN, "signed by a certificate, not by a key")
    claim = registry.blob(subject.place, str(layer.get("digest")), _MAX_CLAIM)
    signature = decoded(notes.get(_SIGNATURE))
    if claim is None or len(claim) != layer.get("size") or signature is None:
        return Examined(Finding.FOREIGN, "a damaged signature")
    if not signed_by(key, signature, claim):
        return Examined(Finding.FOREIGN, "signed by another key, or changed since")
    fault, name = _read_claim(claim, subject.digest)
    if fault:
        return Examined(Finding.FOREIGN, fault)
    entry = legacy_entry(str(notes.get(_LOG, "")))
    logged = entry is not None and promised(entry, logs) and concerns(entry, signature, claim, key)
    return Examined(Finding.GOOD, name=name, logged=logged, signed_at=time_of(entry) if entry and logged else None)


def _read_claim(claim: bytes, digest: str) -> tuple[str, str]:
    """(what is wrong with the claim, the repository it names)."""
    try:
        critical = parse(claim)["critical"]
        named, kind = critical["image"]["docker-manifest-digest"], critical["type"]
        name = critical["identity"]["docker-reference"]
    except (StrictJsonError, KeyError, TypeError) as error:
        return f"a claim that cannot be read ({type(error).__name__})", ""
    if named != digest:
        return "a signature of another image", ""
    if kind != LEGACY_TYPE or not isinstance(name, str):
        return f"a claim of type {str(kind)[:80]!r}", ""
    return "", name.partition("@")[0]
