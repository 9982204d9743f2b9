"""What every runtime does, and the choice of one by the spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackctl.progress import Progress
    from stackctl.runtime.disk import DataDirectory
    from stackctl.runtime.local import Stopped
    from stackctl.runtime.status import StackStatus
    from stackctl.spec import Spec
    from stackctl.stack import StackDir


class Runtime(Protocol):
    """Runs the bundle of one stack. What each method raises is said at the runtimes themselves."""

    def prepare(self, progress: Progress) -> None:
        """Make what a start needs and nobody has given, before secrets are checked."""
        ...

    def up(self, progress: Progress, *, keep: bool = False, timeout_s: float | None = None) -> StackStatus:
        """Start the stack or bring what has changed to it, and wait until every part is ready."""
        ...

    def down(self, progress: Progress, *, volumes: bool = False) -> Stopped:
        """Stop every part; `volumes` removes the stored data too."""
        ...

    def status(self) -> StackStatus:
        """The state and health of every part."""
        ...

    def logs(self, part: str | None = None, *, lines: int = 50, follow: bool = False) -> Iterator[str]:
        """What the parts logged, each line with its part."""
        ...

    def restart(self, progress: Progress, part: str | None = None, *, timeout_s: float | None = None) -> StackStatus:
        """Restart one part or all."""
        ...

    def pull(self, progress: Progress) -> list[str]:
        """Fetch the images; none on a runtime without images."""
        ...

    def urls(self) -> dict[str, str]:
        """The base URL of every part that has one on this machine."""
        ...

    def data_directories(self) -> tuple[DataDirectory, ...]:
        """Where the parts keep what grows, and the disk under each."""
        ...


def locked_images(stack: StackDir, spec: Spec) -> Mapping[str, str]:
    """Image → repository@digest, for the images that stack.lock pins; plain processes have none."""
    if spec.runtime == "local":
        return {}
    from stackctl.runtime.compose.verify import locked_images

    return locked_images(stack, spec)


def runtime_of(stack: StackDir, spec: Spec) -> Runtime:
    """The runtime that the spec names, for this stack."""
    if spec.runtime == "compose":
        from stackctl.runtime.compose.lifecycle import ComposeRuntime

        return ComposeRuntime(stack, spec)
    from stackctl.runtime.processes_runtime import LocalRuntime

    return LocalRuntime(stack, spec)
