"""Keyless signatures, by the `sigstore` library: certificate chain, SCT, log proof, identity and issuer.

Nothing of that is written by hand here. The library reads bundles only, so a keyless signature stored the old way (a
tag) cannot be examined. Its trust root is the one shipped in the wheel, which ages; a policy can name another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.images.builtin.bundle import read_statement
from stackctl.images.builtin.claim import Examined, Finding
from stackctl.images.builtin.trust_root import one_line, trust_root, without_library

if TYPE_CHECKING:
    from pathlib import Path

    from stackctl.images.verdict import Subject


class Keyless:
    """Examines bundles against one identity."""

    def __init__(self, identity: str, issuer: str, trusted_root: Path | None) -> None:
        """Raises Stopped(TOOL) without the library, Stopped(UNKNOWN) for an unusable trusted root."""
        try:
            from sigstore.verify import Verifier, policy
        except ImportError:
            raise without_library() from None
        self._identity = policy.Identity(identity=identity, issuer=issuer)
        self._ageing = trusted_root is None
        self._verifier = Verifier(trusted_root=trust_root(trusted_root))

    def examine(self, content: bytes | None, subject: Subject) -> Examined:
        """One bundle. Whether the signature is sound is asked before whose it is, so that the two are not confused."""
        from sigstore.errors import Error
        from sigstore.models import Bundle

        try:
            bundle = Bundle.from_json(content or b"")
        except (Error, ValueError):
            return Examined(Finding.FOREIGN, "not a bundle with a certificate")
        try:
            payload_type, payload = self._verifier.verify_dsse(bundle, _Anybody())
        except Error as error:
            finding = Finding.NOT_EXAMINED if self._ageing else Finding.FOREIGN
            return Examined(finding, f"sigstore: {one_line(error)}")
        try:
            self._identity.verify(bundle.signing_certificate)
        except Error as error:
            return Examined(Finding.FOREIGN, f"sigstore: {one_line(error)}")
        statement = read_statement(payload_type, payload, subject.digest)
        return Examined(statement.finding, statement.reason, logged=True)


class _Anybody:
    """A policy that leaves the identity to a second step."""

    def verify(self, cert: object) -> None:
        """Everybody is welcome here."""
