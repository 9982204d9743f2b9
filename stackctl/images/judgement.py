"""What a verifier's yes is still compared with, and what several signers' answers amount to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.errors import UsageError
from stackctl.images.outcome import Outcome
from stackctl.images.policy import names
from stackctl.images.reference import parse_reference
from stackctl.images.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.images.report import Attempt
    from stackctl.images.verdict import Subject
    from stackctl.spec.images import Trust

_BY_WEIGHT = (
    Outcome.UNREACHABLE,
    Outcome.TOOL,
    Outcome.UNKNOWN,
    Outcome.OTHER_SIGNER,
    Outcome.MISSING,
    Outcome.NO_SIGNATURE,
)
"""What cannot be known outweighs every no: "no" needs a clear no from each signer."""


def named(subject: Subject, verdict: Verdict) -> Verdict:
    """cosign ignores which repository a signature names; one key signs many, so it is compared here."""
    strange = [name for name in verdict.named if not names(subject.names, _repository(name))]
    if verdict.named and len(strange) == len(verdict.named):
        return Verdict(
            Outcome.OTHER_SIGNER,
            f"the signature is good, but names the repository {', '.join(strange)}",
            cosign_s=verdict.cosign_s,
        )
    return verdict


def _repository(name: str) -> str:
    """cosign writes index.docker.io for docker.io, and a signer may have named a tag as well."""
    try:
        return parse_reference(name).name
    except UsageError:
        return name


def dated(trust: Trust, verdict: Verdict) -> Verdict:
    """A key that was replaced signs nothing new: the log's time must lie in the signer's days."""
    first, until = trust.published.from_, trust.published.until
    days = [moment.date() for moment in verdict.signed_at]
    if verdict.outcome is not Outcome.VERIFIED or not days:
        return verdict
    if any((first is None or day >= first) and (until is None or day < until) for day in days):
        return verdict
    message = f"signed on {max(days)}, when {trust.id} was not in use (from {first or 'ever'}, until {until or 'now'})"
    return Verdict(Outcome.OTHER_SIGNER, message, cosign_s=verdict.cosign_s)


def combined(attempts: Sequence[Attempt]) -> tuple[Outcome, str]:
    """The outcome, and why, where no signer of a policy verified."""
    outcomes = {attempt.outcome for attempt in attempts}
    outcome = next((outcome for outcome in _BY_WEIGHT if outcome in outcomes), Outcome.UNKNOWN)
    told = [attempt for attempt in attempts if attempt.outcome is outcome]
    if len(attempts) == 1:
        return outcome, told[0].message
    return outcome, "; ".join(f"{attempt.signer}: {attempt.message}" for attempt in told)
