"""Which pinned images have newer tags that verify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackctl.images.flow import verify_image
from stackctl.images.outcome import Outcome, Stopped
from stackctl.images.policy import denied, policies_with, policy_for
from stackctl.images.reference import parse_reference
from stackctl.images.tools import VerifierName, tools_for
from stackctl.images.versions import parse_version, shape

if TYPE_CHECKING:
    from pathlib import Path

    from stackctl.images.flow import Tools
    from stackctl.images.lock import Lock
    from stackctl.images.reference import Reference
    from stackctl.spec.images import Images, SigningPolicy


@dataclass(frozen=True)
class Newer:
    """A pinned image and the newest tag of its flavour that verifies; `tag` is empty if there is none."""

    image: str
    tag: str = ""
    digest: str = ""
    passed_over: tuple[str, ...] = ()
    """Newer tags that did not verify, each with the reason."""
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "image": self.image,
            "newer": self.tag,
            "digest": self.digest,
            "passed_over": list(self.passed_over),
            "problem": self.problem,
        }


def newer_tags(tag: str, tags: list[str]) -> list[str]:
    """The tags of the same flavour with a higher version, newest first; pre-releases only for a pre-release."""
    current = parse_version(tag)
    if current is None:
        return []
    found = []
    for candidate in tags:
        version = parse_version(candidate)
        if version and version > current and shape(candidate) == shape(tag):
            found.append((version, candidate))
    return [candidate for _, candidate in sorted(found, reverse=True)]


def outdated(
    lock: Lock, root: Path, settings: Images, *, verifier: VerifierName | None = None, tries: int = 3
) -> list[Newer]:
    """One entry per image in the lock. Of each, at most `tries` newer tags are verified, newest first."""
    policies = policies_with(settings.policies)
    with tools_for(root, settings, verifier=verifier) as tools:
        return [
            _newest(parse_reference(image), policy_for(parse_reference(image), policies), tools, tries)
            for image in lock.images
        ]


def _newest(reference: Reference, policy: SigningPolicy | None, tools: Tools, tries: int) -> Newer:
    if parse_version(reference.tag) is None:
        return Newer(str(reference), problem="its tag names no version")
    try:
        candidates = newer_tags(reference.tag, tools.registry.tags(tools.addresses.place_of(reference)))
    except Stopped as stop:
        return Newer(str(reference), problem=stop.message)
    if policy is None:
        hint = f"newest tag {candidates[0]}, which no policy can verify" if candidates else ""
        return Newer(str(reference), problem=hint)
    return _first_verified(reference, policy, tools, candidates[:tries])


def _first_verified(reference: Reference, policy: SigningPolicy, tools: Tools, candidates: list[str]) -> Newer:
    passed_over: list[str] = []
    for tag in candidates:
        report = verify_image(parse_reference(f"{reference.name}:{tag}"), policy, tools)
        if report.outcome is Outcome.VERIFIED:
            return Newer(str(reference), tag, report.digest, tuple(passed_over))
        reason = report.message if denied(policy, tag).hit else report.outcome.title
        passed_over.append(f"{tag}: {reason}")
    return Newer(str(reference), passed_over=tuple(passed_over))
