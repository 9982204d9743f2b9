"""How parts ended by themselves, as supervisord's log tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackctl.runtime.environment import SUPERVISOR
from stackctl.runtime.logs import log_file

if TYPE_CHECKING:
    from stackctl.stack import StackDir

_STARTED = "supervisord started with pid"
_EXITED = re.compile(r"exited: (\S+) \((.+?)(?:; not expected|; expected)?\)$")


def exits_of(stack: StackDir) -> dict[str, list[str]]:
    """For each part, how it ended (`exit status 1`, `terminated by SIGKILL`) since supervisord started, oldest first.

    Parts that were stopped on purpose are not in it.
    """
    found: dict[str, list[str]] = {}
    try:
        text = log_file(stack, SUPERVISOR).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return found
    for line in text.rpartition(_STARTED)[2].splitlines():
        if match := _EXITED.search(line):
            found.setdefault(match.group(1), []).append(match.group(2))
    return found
