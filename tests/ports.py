"""Ports nobody listens on, for the servers that tests start."""

from __future__ import annotations

import itertools
import os
import random
from functools import cache
from typing import TYPE_CHECKING

from stackctl.runtime import is_free

if TYPE_CHECKING:
    from collections.abc import Iterator

# Below the range the kernel takes ports of outgoing connections from: one of those on the port of a server that is
# stopped would keep the server from coming back. And above the ports that stackctl proposes.
_RANGE = range(20000, 32000)
_SHARES = 8


def free_port() -> int:
    return free_ports(1)[0]


def free_ports(count: int) -> tuple[int, ...]:
    """Ports that are free now, and that no other worker of a parallel test run is given."""
    return tuple(itertools.islice((port for port in _turns() if is_free("127.0.0.1", port)), count))


@cache
def _turns() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    size = len(_RANGE) // _SHARES
    share = _RANGE[worker % _SHARES * size :][:size]
    # Another run on the same machine begins elsewhere.
    begin = random.randrange(size)
    return itertools.cycle([*share[begin:], *share[:begin]])
