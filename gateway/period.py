"""Durations such as `30d` or `10m`, as the spec and the admin API write them."""

from __future__ import annotations

import re

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "mo": 2592000}
_SHAPE = re.compile(r"^([1-9][0-9]{0,8})(s|mo|m|h|d|w)$")


def seconds(text: str) -> int:
    """Seconds of a duration. A month (`mo`) is 30 days. Raises ValueError."""
    match = _SHAPE.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 30d, 12h or 10m")
    return int(match[1]) * _SECONDS[match[2]]
