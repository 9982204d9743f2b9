"""How a long operation tells what it is doing, without knowing who watches."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Progress(Protocol):
    """Receives the phases of an operation, in order."""

    def phase(self, title: str) -> AbstractContextManager[None]:
        """A step that takes a while; leaving it with an exception means that it failed."""
        ...

    def note(self, text: str) -> None:
        """One line worth knowing within the current phase."""
        ...


class Silent:
    """A Progress nobody watches."""

    def phase(self, title: str) -> AbstractContextManager[None]:  # noqa: ARG002 the protocol names it
        return nullcontext()

    def note(self, text: str) -> None:
        """Nobody is told."""
