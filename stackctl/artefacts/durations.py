"""Prometheus' durations as seconds."""

from __future__ import annotations

import re

_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}


def seconds(text: str) -> float | None:
    """A duration such as 1h30m in seconds; None for anything else."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return 0.0 if text == "0" else None
    return float(sum(int(number) * _SECONDS[unit] for number, unit in parts))


def shown(duration_s: float) -> str:
    """Seconds as people write them: 90 → 1m30s."""
    rest, out = duration_s, ""
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, _SECONDS[unit])
        out += f"{int(count)}{unit}" if count else ""
    return out or "0s"
