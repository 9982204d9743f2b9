"""JSON without ambiguity: duplicate keys are refused, also those that differ in case only.

Go, in which cosign is written, matches keys whatever their case and lets the last one win; Python does not. A signed
text that the two read differently must not be accepted.
"""

from __future__ import annotations

import json
from typing import Any


class StrictJsonError(ValueError):
    """The text is not JSON, or is ambiguous."""


def parse(text: str | bytes) -> Any:
    """The parsed value; raises StrictJsonError."""
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_refused)
    except StrictJsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise StrictJsonError(f"not JSON ({type(error).__name__})") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key.lower() for key, _ in pairs}) != len(pairs):
        raise StrictJsonError("a key is given twice")
    return dict(pairs)


def _refused(name: str) -> Any:
    raise StrictJsonError(f"{name} is not JSON")
