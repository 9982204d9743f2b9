"""The built-in verifier: every attached signature is examined, and one good one decides."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from stackctl import __version__
from stackctl.images.builtin.bundle import bundles, examine_bundle
from stackctl.images.builtin.claim import Examined, Finding
from stackctl.images.builtin.keyless import Keyless
from stackctl.images.builtin.keys import load_key
from stackctl.images.builtin.log import log_keys
from stackctl.images.builtin.simple_signing import CERTIFICATE, examine_claims, signature_layers
from stackctl.images.outcome import Outcome
from stackctl.images.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackctl.images.registry import Registry
    from stackctl.images.verdict import Signer, Subject

_SAYS_NO = {
    Finding.NOT_EXAMINED: Outcome.UNKNOWN,
    Finding.FOREIGN: Outcome.OTHER_SIGNER,
    Finding.NOT_A_SIGNATURE: Outcome.NO_SIGNATURE,
}


@dataclass(frozen=True)
class BuiltinVerifier:
    """Verifies without cosign."""

    registry: Registry

    @property
    def title(self) -> str:
        return f"stackctl {__version__} built-in verifier (not cosign)"

    @property
    def warnings(self) -> tuple[str, ...]:
        return ("verified by stackctl's own code, which is not cosign and has had less scrutiny",)

    def require(self, minimum: str | None) -> None:
        """A policy's oldest cosign says nothing about this verifier."""

    def verify(self, subject: Subject, signer: Signer) -> Verdict:
        """Judge one image; raises Stopped for an unusable key, trust root or library."""
        if signer.key is None:
            return _verdict(self._by_identity(subject, signer), signer)
        return _verdict(self._by_key(subject, signer, signer.key), signer)

    def _by_key(self, subject: Subject, signer: Signer, pem: bytes) -> Iterable[Examined]:
        key = load_key(pem)
        logs = log_keys(signer.trusted_root) if signer.wants_log else {}
        return chain(
            examine_claims(self.registry, subject, key, logs),
            (examine_bundle(content, subject, key, logs) for content in bundles(self.registry, subject)),
        )

    def _by_identity(self, subject: Subject, signer: Signer) -> Iterable[Examined]:
        keyless = Keyless(str(signer.trust.identity), str(signer.trust.issuer), signer.trusted_root)
        old = "a tag-stored signature with a certificate, which only cosign can examine"
        return chain(
            (keyless.examine(content, subject) for content in bundles(self.registry, subject)),
            (
                Examined(Finding.NOT_EXAMINED, old)
                if CERTIFICATE in notes
                else Examined(Finding.FOREIGN, "signed by a key, not by a certificate")
                for _, notes in signature_layers(self.registry, subject)
            ),
        )


def _verdict(findings: Iterable[Examined], signer: Signer) -> Verdict:
    seen: list[Examined] = []
    for found in findings:
        seen.append(found)
        if found.finding is Finding.GOOD and (found.logged or not signer.wants_log):
            return _accepted(found, signer)
    if not seen:
        return Verdict(Outcome.NO_SIGNATURE, "nothing is attached to this image")
    best = max(seen, key=lambda found: found.finding)
    if best.finding is Finding.GOOD:
        return Verdict(Outcome.UNKNOWN, "signed by the right key, but without a log entry that could be checked here")
    return Verdict(_SAYS_NO[best.finding], best.reason)


def _accepted(found: Examined, signer: Signer) -> Verdict:
    checked = [f"1 signature by {signer}", "the signed claim: type, and this digest"]
    skipped = []
    if signer.key is None:
        checked.append("certificate chain, its SCT, and the log's proof of inclusion, by the sigstore library")
    elif found.logged:
        checked.append("transparency log: the log's signed promise")
        skipped.append("transparency log: the proof of inclusion")
    else:
        skipped.append("transparency log: the policy ignores it")
    return Verdict(
        Outcome.VERIFIED,
        checked=tuple(checked),
        not_checked=tuple(skipped),
        named=(found.name,) if found.name else (),
        signed_at=(found.signed_at,) if found.signed_at else (),
    )
