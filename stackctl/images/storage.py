"""Where cosign stores what it signs: tags beside the image (until 2.x), and OCI referrers with Sigstore bundles (3.x)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.images.registry import Manifest, Registry
    from stackctl.images.verdict import Subject

BUNDLE_PREFIX = "application/vnd.dev.sigstore.bundle"
BUNDLE_V03 = "application/vnd.dev.sigstore.bundle.v0.3+json"
MAX_REFERRERS = 64
"""More are not looked at: whoever may push can attach any number."""


def signature_tag(digest: str) -> str:
    """The tag that holds the signatures of `digest`."""
    return f"{digest.replace(':', '-')}.sig"


def referring(registry: Registry, subject: Subject) -> Iterator[Manifest]:
    """The manifests that refer to the image.

    cosign writes an artifactType into the fallback index that says nothing, so each manifest must be opened.
    """
    for entry in registry.referrers(subject.place, subject.digest)[:MAX_REFERRERS]:
        digest = str(entry.get("digest"))
        manifest = registry.manifest(subject.place, digest)
        if manifest is not None and manifest.digest == digest:
            yield manifest


def is_bundle(manifest: Manifest) -> bool:
    """Whether a manifest holds a Sigstore bundle."""
    data = manifest.data
    layers = data.get("layers")
    first = layers[0] if isinstance(layers, list) and layers and isinstance(layers[0], dict) else {}
    return any(str(kind).startswith(BUNDLE_PREFIX) for kind in (data.get("artifactType"), first.get("mediaType")))


def has_bundle(registry: Registry, subject: Subject) -> bool:
    """Whether a Sigstore bundle, whatever it says, is attached to the image."""
    return any(is_bundle(manifest) for manifest in referring(registry, subject))
