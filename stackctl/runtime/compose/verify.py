"""Before a start: the images' signatures, where the spec asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.errors import StackctlError
from stackctl.render.compose import built_here, image_of, services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackctl.progress import Progress
    from stackctl.spec import Spec


def require_verified(spec: Spec, locked: Mapping[str, str], progress: Progress) -> None:
    """See that every pulled image is locked to a verified digest. Raises StackctlError under policy `verify`."""
    if spec.images.policy == "off":
        return
    pulled = {image_of(spec, service) for service in services(spec) if not built_here(spec, service)}
    unverified = sorted(image for image in pulled if image not in locked and "@sha256:" not in image)
    if unverified and spec.images.policy == "verify":
        raise StackctlError(
            f"not verified: {', '.join(unverified)}",
            remedy="run `stackctl verify-image`, which writes the digests to stack.lock, or set images.policy to warn",
        )
    for image in unverified:
        progress.note(f"{image} is not verified: it runs by its tag")
