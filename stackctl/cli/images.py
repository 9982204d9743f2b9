"""verify-image and images: whether an image is what its publisher signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stackctl.cli.options import HERE, Directory, Json
from stackctl.cli.output import command
from stackctl.result import Exit, Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from stackctl.images.report import ImageReport
    from stackctl.spec.images import Images, SigningPolicy
    from stackctl.stack import StackDir

images = typer.Typer(name="images", help="The container images of a stack.", no_args_is_help=True)

VerifierOption = Annotated[
    Literal["cosign", "builtin"] | None,
    typer.Option(
        "--verifier", help="builtin verifies in Python, without cosign.", show_default="the spec's, or cosign"
    ),
]
_KEY_HELP = "A public key: a file, or a URL that names a commit."


@command("verify-image")
def verify_image(
    image: Annotated[str, typer.Argument(help="registry/repository:tag or …@sha256:…", show_default=False)] = "",
    directory: Directory = HERE,
    every: Annotated[bool, typer.Option("--all", help="Every image in stack.yaml, in parallel.")] = False,
    policy: Annotated[str, typer.Option(help="A policy by name, or a policy file.", show_default="by the image")] = "",
    key: Annotated[str, typer.Option(help=_KEY_HELP, show_default=False)] = "",
    key_sha256: Annotated[str, typer.Option(help="The key file's SHA-256; a URL needs it.", show_default=False)] = "",
    identity: Annotated[
        str, typer.Option("--certificate-identity", help="Who signed, keyless.", show_default=False)
    ] = "",
    issuer: Annotated[
        str, typer.Option("--certificate-oidc-issuer", help="Who vouches for that identity.", show_default=False)
    ] = "",
    ignore_log: Annotated[
        bool, typer.Option("--insecure-ignore-tlog", help="With --key: accept signatures that are in no log.")
    ] = False,
    trusted_root: Annotated[
        str, typer.Option(help="A Sigstore trusted_root.json instead of the public one.", show_default=False)
    ] = "",
    signed_as: Annotated[
        list[str] | None, typer.Option(help="A repository the signature may name as well.", show_default=False)
    ] = None,
    verifier: VerifierOption = None,
    pin: Annotated[bool, typer.Option("--pin", help="Write what verified into stack.lock.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds cosign may take per image.", min=1, max=3600)] = 60,
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Verify who signed an image, and say what was and what was not checked.

    Exit codes: 0 verified, 10 no signature, 11 no such image, 12 signed by somebody else, 14 denied release, 15 digest
    changed since stack.lock, 3 cosign missing or too old, 4 registry or key unreachable, 5 cannot tell.
    """
    from stackctl.cli.images_policy import given_policy
    from stackctl.stack import StackDir

    stack = StackDir(directory)
    given = given_policy(policy, key, key_sha256, identity, issuer, ignore_log, trusted_root, signed_as or [])
    settings = _settings(stack, required=every)
    if every:
        _refuse_together(image, given)
        reports = _all(stack, settings, verifier, timeout, moved_is_fine=pin)
    else:
        reports = [_one(image, stack, settings, given, verifier, timeout, moved_is_fine=pin)]
    return _result(_pinned(stack, reports) if pin else reports)


@images.command("outdated")
@command("images outdated")
def outdated(
    directory: Directory = HERE,
    tries: Annotated[int, typer.Option(help="Newer tags to try per image, newest first.", min=1, max=50)] = 3,
    verifier: VerifierOption = None,
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Say which pinned images have newer tags that verify; exit 1 if any has."""
    from stackctl.errors import UsageError
    from stackctl.images.lock import load_lock
    from stackctl.images.outdated import outdated as find_outdated
    from stackctl.stack import StackDir

    stack = StackDir(directory)
    lock = load_lock(stack.lock)
    if not lock.images:
        raise UsageError(f"{stack.lock} pins no image", remedy="run `stackctl verify-image --all --pin`")
    found = find_outdated(lock, stack.root, _settings(stack), verifier=verifier, tries=tries)
    data = {"images": [item.as_json() for item in found]}
    return Result(data, exit_code=Exit.NO if any(item.tag for item in found) else Exit.YES, view=_newer)


def _settings(stack: StackDir, *, required: bool = False) -> Images:
    """The spec's `images` section; without a spec the defaults, unless one is `required`."""
    from stackctl.spec import load_spec
    from stackctl.spec.images import Images

    return load_spec(stack.spec).spec.images if required or stack.spec.exists() else Images()


def _refuse_together(image: str, given: SigningPolicy | str | None) -> None:
    from stackctl.errors import UsageError

    if image or given:
        raise UsageError(
            "--all takes images and policies from stack.yaml", remedy="leave out the image and its options"
        )


def _all(
    stack: StackDir,
    settings: Images,
    verifier: Literal["cosign", "builtin"] | None,
    timeout: float,
    moved_is_fine: bool,
) -> list[ImageReport]:
    from stackctl.errors import UsageError
    from stackctl.images.of_stack import verify_stack_images
    from stackctl.runtime.compose.verify import pulled_images
    from stackctl.spec import load_spec

    wanted = settings.references | pulled_images(load_spec(stack.spec).spec)
    if not wanted:
        raise UsageError(f"{stack.spec} names no images", remedy="list them under images.references")
    return verify_stack_images(
        stack,
        settings,
        wanted,
        verifier=verifier,
        timeout_s=timeout,
        locked=False,
        moved_is_fine=moved_is_fine,
    )


def _one(
    image: str,
    stack: StackDir,
    settings: Images,
    given: SigningPolicy | str | None,
    verifier: Literal["cosign", "builtin"] | None,
    timeout: float,
    moved_is_fine: bool,
) -> ImageReport:
    from stackctl.cli.images_policy import chosen_policy
    from stackctl.errors import UsageError
    from stackctl.images.flow import verify_image
    from stackctl.images.lock import load_lock
    from stackctl.images.of_stack import no_policy
    from stackctl.images.reference import parse_reference
    from stackctl.images.tools import tools_for

    if not image:
        raise UsageError("no image was given", remedy="name one, or give --all for every image of the stack")
    reference = parse_reference(image)
    policy = chosen_policy(given, reference, settings)
    entry = load_lock(stack.lock).entry(image)
    if policy is None:
        return no_policy(reference)
    with tools_for(stack.root, settings, verifier=verifier, timeout_s=timeout) as tools:
        return verify_image(reference, policy, tools, locked=entry.digest if entry and not moved_is_fine else "")


def _pinned(stack: StackDir, reports: list[ImageReport]) -> list[ImageReport]:
    from stackctl.images.lock import pin

    if not any(report.outcome.good for report in reports):
        return reports
    pin(stack.lock, reports)
    return [report.with_(pinned=report.outcome.good) for report in reports]


def _result(reports: list[ImageReport]) -> Result:
    from stackctl.cli.images_view import several, single
    from stackctl.images.report import exit_code_of
    from stackctl.problem import Problem, Severity

    problems = [
        Problem(f"images/{report.outcome.value}", report.line, remedy=report.remedy)
        for report in reports
        if not report.outcome.good
    ]
    for report in reports:
        problems += [Problem("images/note", f"{report.image}: {text}", Severity.WARNING) for text in report.warnings]
    data = {"images": [report.as_json() for report in reports]}
    return Result(data, problems, exit_code_of(reports), single if len(reports) == 1 else several)


def _newer(data: dict[str, Any]) -> Iterable[RenderableType]:
    from rich.table import Table

    table = Table("image", "newer, verified", "passed over", box=None, pad_edge=False)
    for item in data["images"]:
        table.add_row(item["image"], item["newer"] or item["problem"] or "-", "; ".join(item["passed_over"]) or "-")
    yield table
