"""Verification by cosign: one run, a second one where a foreign bundle hides a signature, and a verdict from facts."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stackctl.images.cosign.command import verify_call
from stackctl.images.cosign.complaint import BUNDLE_REFUSED, last_words, outcome_of
from stackctl.images.cosign.output import LEGACY_TYPE, OutputError, Vouched, read_output
from stackctl.images.cosign.process import Finished, run
from stackctl.images.outcome import Outcome
from stackctl.images.storage import has_bundle
from stackctl.images.verdict import Verdict

if TYPE_CHECKING:
    from stackctl.images.cosign.tool import Cosign
    from stackctl.images.registry import Registry
    from stackctl.images.verdict import Signer, Subject

_GRACE_S = 5
"""cosign gets its own time-out as a flag; the process is killed this long after it."""


@dataclass(frozen=True)
class CosignVerifier:
    """Asks cosign."""

    cosign: Cosign
    registry: Registry
    timeout_s: float = 60

    @property
    def title(self) -> str:
        return self.cosign.title

    @property
    def warnings(self) -> tuple[str, ...]:
        return ()

    def require(self, minimum: str | None) -> None:
        """Raise Stopped(TOOL) if cosign is older than `minimum`."""
        self.cosign.require(minimum)

    def verify(self, subject: Subject, signer: Signer) -> Verdict:
        """Judge one image; raises Stopped if cosign does not run or does not end."""
        done = self._run(subject, signer, legacy=False)
        verdict = self._judge(done, subject, signer)
        if done.code == 0 or self.cosign.generation < 3 or BUNDLE_REFUSED not in done.err:
            return replace(verdict, cosign_s=done.seconds)
        again = self._run(subject, signer, legacy=True)
        seconds = done.seconds + again.seconds
        if again.code != 0:
            return replace(verdict, cosign_s=seconds)
        second = self._judge(again, subject, signer)
        note = "a foreign Sigstore bundle is attached and hid the signature from cosign: found by a second try without bundles"
        return replace(second, notes=(*second.notes, note), cosign_s=seconds)

    def _run(self, subject: Subject, signer: Signer, *, legacy: bool) -> Finished:
        with tempfile.TemporaryDirectory(prefix="stackctl-") as directory:
            call = verify_call(self.cosign, subject, signer, Path(directory), legacy=legacy, timeout_s=self.timeout_s)
            return run(call.argv, extra=call.environment, timeout_s=self.timeout_s + _GRACE_S)

    def _judge(self, done: Finished, subject: Subject, signer: Signer) -> Verdict:
        if done.code != 0:
            return self._refusal(done, subject)
        try:
            elements = read_output(done.out)
        except OutputError as error:
            return Verdict(Outcome.UNKNOWN, f"cosign said yes, but its output cannot be trusted: {error}")
        if any(element.digest != subject.digest for element in elements):
            return Verdict(Outcome.UNKNOWN, "cosign said yes, but about another digest than it was asked for")
        signatures = [element for element in elements if element.is_signature]
        if not signatures:
            kinds = ", ".join(sorted({element.type for element in elements}))
            return Verdict(Outcome.NO_SIGNATURE, f"only an attestation was signed, not the image ({kinds})")
        verdict = _accepted(signatures, len(elements) - len(signatures), signer)
        return replace(verdict, notes=(*verdict.notes, *self.cosign.log_warnings)) if signer.wants_log else verdict

    def _refusal(self, done: Finished, subject: Subject) -> Verdict:
        outcome = outcome_of(done)
        if outcome is Outcome.NO_SIGNATURE and has_bundle(self.registry, subject):
            if self.cosign.generation < 3:
                message = f"a Sigstore bundle is attached, which {self.title} does not read: cosign 3 is needed"
                return Verdict(Outcome.TOOL, message)
            return Verdict(Outcome.UNKNOWN, "cosign found no signature, but a Sigstore bundle is attached")
        return Verdict(outcome, f"cosign: {last_words(done)}")


def _accepted(signatures: list[Vouched], attestations: int, signer: Signer) -> Verdict:
    count = "1 signature" if len(signatures) == 1 else f"{len(signatures)} signatures"
    checked = [f"{count} by {signer}", "the signed claim: type, and this digest"]
    skipped = []
    if signer.wants_log:
        checked.append("transparency log: cosign was told to require an entry")
    else:
        skipped.append("transparency log: the policy ignores it")
    notes = (f"{attestations} attestation(s) by the same signer are attached; they count for nothing",) * bool(
        attestations
    )
    return Verdict(
        Outcome.VERIFIED,
        checked=tuple(checked),
        not_checked=tuple(skipped),
        notes=notes,
        named=tuple(sorted({element.name for element in signatures if element.type == LEGACY_TYPE})),
        signed_at=tuple(element.signed_at for element in signatures if element.signed_at) if signer.wants_log else (),
    )
