"""Every image of a stack: verified together, pinned together, and refused together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from stackctl.errors import StackctlError, UnavailableError
from stackctl.images.flow import resolve_exempt, verify_image
from stackctl.images.lock import Lock, load_lock, pin
from stackctl.images.outcome import Outcome
from stackctl.images.policy import policies_with, policy_for
from stackctl.images.reference import parse_reference
from stackctl.images.report import ImageReport
from stackctl.images.tools import VerifierName, tools_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackctl.images.flow import Tools
    from stackctl.images.reference import Reference
    from stackctl.spec import Spec
    from stackctl.spec.images import Images, SigningPolicy
    from stackctl.stack import StackDir

_WORKERS = 4
"""cosign spends its time waiting and in arithmetic; more at once help nobody."""


def verify_stack_images(
    stack: StackDir,
    settings: Images,
    images: Mapping[str, str],
    *,
    verifier: VerifierName | None = None,
    timeout_s: float = 60,
    locked: bool = True,
    moved_is_fine: bool = False,
) -> list[ImageReport]:
    """Verify `images` (part → reference) in parallel, in the order given; nothing is written.

    With `locked`, an image that stack.lock pins is verified at its pinned digest, wherever its tag points today: this
    is what `up` runs. Without, tags are looked up anew and a tag that has moved since is reported as moved, unless
    `moved_is_fine`. Raises UsageError for a malformed reference, before anything runs.
    """
    references = {part: parse_reference(image) for part, image in images.items()}
    lock = Lock() if moved_is_fine else load_lock(stack.lock)
    policies = policies_with(settings.policies)
    with (
        tools_for(stack.root, settings, verifier=verifier, timeout_s=timeout_s) as tools,
        ThreadPoolExecutor(_WORKERS, "verify") as pool,
    ):
        jobs = [
            pool.submit(_verify_part, part, reference, settings, policies, lock, tools, locked=locked)
            for part, reference in references.items()
        ]
        return [job.result() for job in jobs]


def require_verified_images(stack: StackDir, spec: Spec, images: Mapping[str, str]) -> list[ImageReport]:
    """What `up` calls before it starts anything: with `images.policy: verify`, verify every image and pin it.

    Does nothing with `policy: off`. Raises UnavailableError if a tool, registry or key is missing, StackctlError if an
    image must not run; stack.lock is written only if all may.
    """
    if spec.images.policy == "off" or not images:
        return []
    reports = verify_stack_images(stack, spec.images, images)
    bad = [report for report in reports if not report.outcome.good]
    if bad:
        away = all(report.outcome in (Outcome.TOOL, Outcome.UNREACHABLE) for report in bad)
        refusal: type[StackctlError] = UnavailableError if away else StackctlError
        remedy = bad[0].remedy or "see `stackctl verify-image --all`"
        raise refusal(f"nothing was started: {bad[0].line}", remedy=remedy, details=[report.line for report in bad[1:]])
    pin(stack.lock, reports)
    return reports


def pinned_references(lock: Lock, images: Mapping[str, str]) -> dict[str, str]:
    """Part → repository@digest where stack.lock has a digest, else the reference as it stands. `render` uses this."""
    return {part: lock.pinned(image) or image for part, image in images.items()}


def _verify_part(
    part: str,
    reference: Reference,
    settings: Images,
    policies: Mapping[str, SigningPolicy],
    lock: Lock,
    tools: Tools,
    *,
    locked: bool,
) -> ImageReport:
    entry = lock.entry(str(reference))
    asked = reference.at(entry.digest) if entry and locked else reference
    held = entry.digest if entry else ""
    if part in settings.exempt:
        report = resolve_exempt(asked, settings.exempt[part], tools, locked=held, part=part)
    elif policy := policy_for(reference, policies):
        report = verify_image(asked, policy, tools, locked=held, part=part)
    else:
        report = no_policy(reference, part)
    return report.with_(image=str(reference))


def no_policy(reference: Reference, part: str = "") -> ImageReport:
    """The report on an image nobody said anything about."""
    by_hand = "give --key, or --certificate-identity with --certificate-oidc-issuer"
    by_spec = "add a policy to images.policies in stack.yaml, or a reason to images.exempt"
    return ImageReport(
        image=str(reference),
        outcome=Outcome.UNKNOWN,
        message="no signing policy covers this image, so there is nothing to verify it by",
        remedy=by_spec if part else by_hand,
        part=part,
    )
