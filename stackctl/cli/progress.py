"""Phases of a long operation on stderr: a spinner on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stackctl.cli.output import console
from stackctl.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.progress import Progress


class _Phases:
    """Prints each phase with its outcome and duration."""

    def __init__(self) -> None:
        self._console = console(stderr=True)

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            if self._console.is_terminal:
                with self._console.status(title):
                    yield
            else:
                yield
        except BaseException:
            self._console.print(f"[red]✗[/red] {title} ({time.monotonic() - started:.1f} s)")
            raise
        self._console.print(f"[green]✓[/green] {title} ({time.monotonic() - started:.1f} s)")

    def note(self, text: str) -> None:
        self._console.print(f"  {text}", markup=False)


def progress(*, as_json: bool) -> Progress:
    """What a command hands to a long operation: nothing is shown beside a JSON envelope."""
    return Silent() if as_json else _Phases()
