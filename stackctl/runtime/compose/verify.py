"""The images a stack pulls: verified where the spec asks for it, and run at the digests of stack.lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.images import load_lock, require_verified_images
from stackctl.render.compose import built_here, image_of, services

if TYPE_CHECKING:
    from stackctl.progress import Progress
    from stackctl.spec import Spec
    from stackctl.stack import StackDir


def pulled_images(spec: Spec) -> dict[str, str]:
    """Part → image, of the images that come from a registry; what is built here has nobody to vouch for it."""
    if spec.runtime == "local":
        return {}
    return {service: image_of(spec, service) for service in services(spec) if not built_here(spec, service)}


def locked_images(stack: StackDir, spec: Spec) -> dict[str, str]:
    """Image as the spec names it → repository@digest, for the images that stack.lock pins."""
    lock = load_lock(stack.lock)
    found = {image: lock.pinned(image) for image in pulled_images(spec).values()}
    return {image: pinned for image, pinned in found.items() if pinned}


def require_verified(stack: StackDir, spec: Spec, progress: Progress) -> None:
    """With policy `verify`, verify and pin every pulled image. Raises before anything starts if one must not run."""
    images = pulled_images(spec)
    if spec.images.policy == "verify":
        with progress.phase("verify the images"):
            for report in require_verified_images(stack, spec, images):
                progress.note(report.line)
        return
    unpinned = sorted(image for image in set(images.values()) - locked_images(stack, spec).keys() if "@" not in image)
    if unpinned:
        progress.note(f"not verified, so run by tag: {', '.join(unpinned)} (`stackctl explain images.policy`)")
