"""Whose certificates and logs to believe: a trusted_root.json, or the one shipped with the `sigstore` library."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from stackctl.images.outcome import Outcome, Stopped

if TYPE_CHECKING:
    from pathlib import Path


def trust_root(file: Path | None) -> Any:
    """A `sigstore.models.TrustedRoot` from a file, or the one shipped with the library; never the network."""
    try:
        from sigstore.errors import Error
        from sigstore.models import ClientTrustConfig, TrustedRoot
    except ImportError:
        raise without_library() from None
    logging.getLogger("sigstore").setLevel(logging.ERROR)  # it remarks on being offline, which is what was asked for
    try:
        return TrustedRoot.from_file(str(file)) if file else ClientTrustConfig.production(offline=True).trusted_root
    except (Error, OSError, ValueError) as error:
        raise Stopped(
            Outcome.UNKNOWN, f"{file or 'the shipped trust root'} cannot be used: {one_line(error)}"
        ) from None


def without_library() -> Stopped:
    """What to raise where `sigstore` is not installed."""
    message = "the built-in verifier needs the `sigstore` library for keyless signatures and for the transparency log"
    return Stopped(Outcome.TOOL, message, "pip install 'stackctl[keyless]', or use cosign")


def one_line(error: Exception) -> str:
    """An error's text on one line of bounded length."""
    return " ".join(str(error).split())[:300]
