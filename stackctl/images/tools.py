"""Put together what verifying needs: from a spec's settings, or from defaults."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from stackctl.images.flow import Tools
from stackctl.images.key_files import KeyStore
from stackctl.images.registry import Addresses, Registry
from stackctl.spec.images import Images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stackctl.images.verdict import Verifier

VerifierName = Literal["cosign", "builtin"]


@contextmanager
def tools_for(
    root: Path, settings: Images | None = None, *, verifier: VerifierName | None = None, timeout_s: float = 60
) -> Iterator[Tools]:
    """Tools for the images of one stack directory; connections are closed at the end.

    The verifier is the given one, else the spec's, else cosign; it is looked for when it is first needed.
    """
    settings = settings or Images()
    registry = Registry()

    lock = threading.Lock()
    known: list[Verifier] = []

    def chosen() -> Verifier:
        with lock:  # images are verified in threads, and cosign is looked at once
            if not known:
                known.append(_verifier(verifier or settings.verifier, registry, timeout_s))
            return known[0]

    try:
        yield Tools(registry, Addresses(settings.registries), KeyStore(registry.http, root), chosen, root)
    finally:
        registry.http.close()


def _verifier(name: VerifierName, registry: Registry, timeout_s: float) -> Verifier:
    if name == "builtin":
        from stackctl.images.builtin import BuiltinVerifier

        return BuiltinVerifier(registry)
    from stackctl.images.cosign import CosignVerifier, find_cosign

    return CosignVerifier(find_cosign(), registry, timeout_s)
