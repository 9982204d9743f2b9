"""What a verifier's yes is compared with, and what several noes amount to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stackctl.images.judgement import combined, dated, named
from stackctl.images.outcome import Outcome
from stackctl.images.registry import Place
from stackctl.images.report import Attempt
from stackctl.images.verdict import Subject, Verdict
from stackctl.spec.images import Trust

HUB = Place("docker.io", "litellm/litellm", False, False)


def subject(*names: str) -> Subject:
    return Subject(HUB, "sha256:" + "a" * 64, ("docker.io/litellm/litellm", *names))


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("docker.io/litellm/litellm", Outcome.VERIFIED),
        ("index.docker.io/litellm/litellm", Outcome.VERIFIED),
        ("litellm/litellm", Outcome.VERIFIED),
        ("docker.io/litellm/litellm:v1.83.0", Outcome.VERIFIED),
        ("ghcr.io/berriai/litellm", Outcome.VERIFIED),
        ("ghcr.io/acme/any", Outcome.VERIFIED),
        ("ghcr.io/acmeevil/any", Outcome.OTHER_SIGNER),
        ("docker.io/evil/litellm", Outcome.OTHER_SIGNER),
        ("not a reference", Outcome.OTHER_SIGNER),
    ],
)
def test_the_repository_a_signature_names_must_be_one_asked_for(name: str, outcome: Outcome) -> None:
    verdict = Verdict(Outcome.VERIFIED, named=(name,))
    assert named(subject("ghcr.io/berriai/litellm", "ghcr.io/acme/*"), verdict).outcome is outcome


def test_one_of_several_good_signatures_is_enough() -> None:
    verdict = Verdict(Outcome.VERIFIED, named=("ghcr.io/evil/x", "docker.io/litellm/litellm"))
    assert named(subject(), verdict).outcome is Outcome.VERIFIED
    assert named(subject(), Verdict(Outcome.VERIFIED)).outcome is Outcome.VERIFIED


@pytest.mark.parametrize(
    ("day", "outcome"),
    [
        ("2026-10-23", Outcome.OTHER_SIGNER),
        ("2026-10-24", Outcome.VERIFIED),
        ("2026-11-14", Outcome.VERIFIED),
        ("2026-11-15", Outcome.OTHER_SIGNER),
    ],
)
def test_the_first_day_counts_and_the_last_does_not(day: str, outcome: Outcome) -> None:
    trust = Trust.model_validate(
        {"id": "k", "key": {"file": "x"}, "published": {"from": "2026-10-24", "until": "2026-11-15"}}
    )
    moment = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)
    assert dated(trust, Verdict(Outcome.VERIFIED, signed_at=(moment,))).outcome is outcome
    assert dated(trust, Verdict(Outcome.VERIFIED)).outcome is Outcome.VERIFIED


@pytest.mark.parametrize(
    ("outcomes", "outcome"),
    [
        ("no-signature no-signature", Outcome.NO_SIGNATURE),
        ("no-signature other-signer", Outcome.OTHER_SIGNER),
        ("other-signer unknown", Outcome.UNKNOWN),
        ("unknown tool", Outcome.TOOL),
        ("other-signer unreachable tool", Outcome.UNREACHABLE),
        ("missing no-signature", Outcome.MISSING),
    ],
)
def test_no_needs_a_clear_no_from_every_signer(outcomes: str, outcome: Outcome) -> None:
    attempts = [Attempt(f"s{index}", Outcome(word), word) for index, word in enumerate(outcomes.split())]
    assert combined(attempts)[0] is outcome
    assert combined(attempts[:1])[1] == attempts[0].message
