"""Every error stackctl raises on purpose.

::

    StackctlError                exit 1   something the user asked for did not happen
    ├── UsageError               exit 2   the command line or a file given to it is wrong
    │   └── SpecError            exit 2   stack.yaml is not a valid spec; carries positions
    ├── HandEditedError          exit 1   a rendered file was changed by hand and would be overwritten
    ├── StartError               exit 1   a part of the stack did not become ready
    └── UnavailableError         exit 3   a needed tool or service is missing or unreachable
        ├── ToolMissingError     exit 3   an executable is not on PATH
        └── PortTakenError       exit 3   somebody else listens on a port the stack needs

A finding (drift, an alert that did not arrive) is not an error: it is a `Problem` in a `Result`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.problem import Problem


class StackctlError(Exception):
    """What is wrong and where, in one line; `remedy` says what to do about it."""

    exit_code = 1
    id = "error"

    def __init__(self, message: str, *, remedy: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.details = tuple(details)
        """Lines that help to see the cause, such as the end of a log file."""


class UsageError(StackctlError):
    """The command line, or a file given to it, is wrong."""

    exit_code = 2
    id = "usage"


class SpecError(UsageError):
    """The spec is invalid; every fault found in it is in `problems`."""

    id = "spec"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} fault(s) in the spec")
        self.problems = tuple(problems)


class HandEditedError(StackctlError):
    """A rendered file no longer holds what was rendered."""

    id = "hand-edited"


class StartError(StackctlError):
    """A part of the stack did not become ready; `details` holds its last log lines."""

    id = "start"


class UnavailableError(StackctlError):
    """A needed tool or service is missing or unreachable."""

    exit_code = 3
    id = "unavailable"


class ToolMissingError(UnavailableError):
    """An executable is neither on PATH nor where the environment points."""

    id = "tool-missing"


class PortTakenError(UnavailableError):
    """Somebody else listens on a port the stack needs."""

    id = "port-taken"
