"""One image, from its reference to a report: deny list, digest, lock, signers in order.

What is verified is always a digest. A tag is looked up once, at the start; whoever moves it later moves nothing here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stackctl.images.judgement import combined, dated, named
from stackctl.images.key_files import sha256_of
from stackctl.images.outcome import Outcome, Stopped
from stackctl.images.policy import denied, signers_for
from stackctl.images.report import Attempt, ImageReport
from stackctl.images.verdict import Signer, Subject, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stackctl.images.key_files import KeyStore
    from stackctl.images.reference import Reference
    from stackctl.images.registry import Addresses, Manifest, Registry
    from stackctl.images.verdict import Verifier
    from stackctl.spec.images import SigningPolicy, Trust

_ALWAYS_UNCHECKED = ("annotations: none are demanded", "what the image contains")


@dataclass(frozen=True)
class Tools:
    """What verifying needs; shared by all images of one command."""

    registry: Registry
    addresses: Addresses
    keys: KeyStore
    verifier: Callable[[], Verifier]
    """Called when there is something to verify, so that a denied or missing image needs no cosign."""
    root: Path
    """Files a policy names are relative to it."""


@dataclass
class _Work:
    """What has been found out so far."""

    image: str
    policy: str
    digest: str = ""
    verifier: str = ""
    checked: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    cosign_s: float = 0.0

    def report(self, outcome: Outcome, message: str = "", remedy: str = "") -> ImageReport:
        return ImageReport(
            image=self.image,
            outcome=outcome,
            message=message,
            remedy=remedy,
            digest=self.digest,
            policy=self.policy,
            verifier=self.verifier,
            checked=tuple(self.checked),
            not_checked=tuple(self.not_checked),
            warnings=tuple(self.warnings),
            attempts=tuple(self.attempts),
            cosign_seconds=self.cosign_s,
        )


def verify_image(
    reference: Reference, policy: SigningPolicy, tools: Tools, *, locked: str = "", part: str = ""
) -> ImageReport:
    """Verify one image by a policy. `locked` is the digest in stack.lock, if a moved tag is to be refused."""
    started = time.perf_counter()
    work = _Work(str(reference), policy.name)
    try:
        report = _verify(reference, policy, tools, locked, work)
    except Stopped as stop:
        report = work.report(stop.outcome, stop.message, stop.remedy)
    return report.with_(seconds=time.perf_counter() - started, part=part)


def resolve_exempt(reference: Reference, reason: str, tools: Tools, *, locked: str = "", part: str = "") -> ImageReport:
    """Only look up the digest of an image that is allowed to run unsigned."""
    work = _Work(str(reference), "")
    work.not_checked.append("signature: exempt by stack.yaml")
    try:
        work.digest = tools.registry.resolve(tools.addresses.place_of(reference), reference).digest
        moved = _moved(work.digest, locked)
        report = work.report(*moved) if moved else work.report(Outcome.EXEMPT, reason)
    except Stopped as stop:
        report = work.report(stop.outcome, stop.message, stop.remedy)
    return report.with_(part=part)


def _verify(reference: Reference, policy: SigningPolicy, tools: Tools, locked: str, work: _Work) -> ImageReport:
    if refusal := _refusal(policy, reference, reference.digest, work):
        return refusal
    place = tools.addresses.place_of(reference)
    manifest = tools.registry.resolve(place, reference)
    work.digest = manifest.digest
    work.checked.append(_digest_fact(manifest))
    if refusal := _refusal(policy, reference, work.digest, work):
        return refusal
    if moved := _moved(work.digest, locked):
        return work.report(*moved)
    verifier = tools.verifier()
    work.verifier = verifier.title
    verifier.require(policy.min_cosign)
    subject = Subject(place, work.digest, (reference.name, place.name, *policy.signed_as, *policy.images))
    for trust in signers_for(policy, reference.tag):
        signer, verdict = _attempt(trust, subject, verifier, tools, work)
        if verdict.outcome is Outcome.VERIFIED and signer is not None:
            return _verified(reference, policy, signer, verdict, verifier, work)
    if not work.attempts:
        return work.report(Outcome.UNKNOWN, f"no signer of policy {policy.name} covers this version")
    return work.report(*combined(work.attempts))


def _refusal(policy: SigningPolicy, reference: Reference, digest: str, work: _Work) -> ImageReport | None:
    found = denied(policy, reference.tag, digest)
    if found.hit is None:
        return None
    name = found.hit.version or found.hit.digest
    return work.report(Outcome.DENIED, f"{name} is denied: {found.hit.reason}", "run another release")


def _moved(digest: str, locked: str) -> tuple[Outcome, str, str] | None:
    if not locked or locked == digest:
        return None
    message = f"the tag names {digest} now, stack.lock has {locked}"
    return Outcome.MOVED, message, "if the new image is wanted, verify and accept it with --pin"


def _digest_fact(manifest: Manifest) -> str:
    platforms = manifest.data.get("manifests")
    kind = f"the index of {len(platforms)} manifests" if isinstance(platforms, list) else "the manifest"
    return f"digest: SHA-256 of {kind}, computed from its bytes"


def _attempt(
    trust: Trust, subject: Subject, verifier: Verifier, tools: Tools, work: _Work
) -> tuple[Signer | None, Verdict]:
    signer = None
    try:
        signer = _with_files(trust, tools)
        verdict = verifier.verify(subject, signer)
    except Stopped as stop:
        verdict = Verdict(stop.outcome, f"{stop.message} ({stop.remedy})" if stop.remedy else stop.message)
    if verdict.outcome is Outcome.VERIFIED:
        verdict = dated(trust, named(subject, verdict))
    work.cosign_s += verdict.cosign_s
    work.attempts.append(Attempt(trust.id, verdict.outcome, verdict.message))
    return signer, verdict


def _with_files(trust: Trust, tools: Tools) -> Signer:
    root = (tools.root / trust.trusted_root).resolve() if trust.trusted_root else None
    if root is not None and not root.is_file():
        raise Stopped(Outcome.UNREACHABLE, f"the trusted root {root} does not exist")
    if trust.key is None:
        return Signer(trust, trusted_root=root)
    key = tools.keys.load(trust.key)
    return Signer(trust, key, sha256_of(key), root)


def _verified(
    reference: Reference, policy: SigningPolicy, signer: Signer, verdict: Verdict, verifier: Verifier, work: _Work
) -> ImageReport:
    work.warnings += [*verdict.notes, *verifier.warnings]
    work.checked += verdict.checked
    work.not_checked += verdict.not_checked
    if verdict.named:
        work.checked.append(f"the repository the signature names: {', '.join(verdict.named)}")
    else:
        work.not_checked.append("the repository the signature names: this kind names none")
    if signer.trust.published.from_ or signer.trust.published.until:
        fact = "date of signing"
        if verdict.signed_at:
            work.checked.append(f"{fact}: {max(verdict.signed_at).date()}, by the transparency log")
        else:
            work.not_checked.append(f"{fact}: the signature carries no time that was checked")
    work.not_checked += _ALWAYS_UNCHECKED
    deny = denied(policy, reference.tag, work.digest)
    if not deny.applied:
        work.not_checked.append(f"deny list of {policy.name}: {reference} names no version")
        message = f"the signature is good, but without a version the deny list of {policy.name} cannot be applied"
        return work.report(Outcome.UNKNOWN, message, "name a release: repository:v1.2.3 or repository:v1.2.3@sha256:…")
    if policy.deny:
        work.checked.append(f"deny list of {policy.name}: {len(policy.deny)} entries")
    return work.report(Outcome.VERIFIED).with_(
        signer=signer.trust.id, signed_by=str(signer), key_sha256=signer.key_sha256
    )
