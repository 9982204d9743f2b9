"""What comes next on a connection mostly has the head of what came last: the same bytes but for its body's length.

Such a head was parsed and accepted before, so it means what it meant then. Nothing else is guessed: any other byte, and
the parser reads it.
"""

from __future__ import annotations

import re
from typing import Final

_LENGTH: Final = re.compile(rb"\r\n(content-length):[ \t]*([0-9]{1,9})\r\n", re.IGNORECASE)
_NEVER_AGAIN: Final = frozenset({b"expect", b"transfer-encoding", b"upgrade"})


class Head:
    """What came before and after the number of `content-length`, and what it said."""

    __slots__ = ("_after", "_before", "_headers", "_name")

    def __init__(self, before: bytes, after: bytes, headers: dict[bytes, bytes], name: bytes) -> None:
        """`name` of `content-length` as it is in `headers`."""
        self._before = before
        self._after = after
        self._headers = headers
        self._name = name

    def read(self, data: bytes) -> tuple[dict[bytes, bytes], bytes] | None:
        """Headers and body of a message, if all of `data` is one whole message with this head."""
        before, after = self._before, self._after
        if not data.startswith(before):
            return None
        start = len(before)
        end = data.find(b"\r", start, start + 10)
        length = data[start:end]
        if not length.isdigit() or not data.startswith(after, end):
            return None
        body = data[end + len(after) :]
        if not body or len(body) != int(length):
            return None
        return {**self._headers, self._name: length}, body


def learned(data: bytes, headers: dict[bytes, bytes]) -> tuple[bytes, bytes, dict[bytes, bytes], bytes] | None:
    """What makes the head of a message that `data` is all of, on a connection that is kept; None for one that may not
    come again.
    """
    end = data.find(b"\r\n\r\n") + 4
    found = _LENGTH.search(data, 0, end)
    if found is None or len(data) != end + int(found[2]) or any(name.lower() in _NEVER_AGAIN for name in headers):
        return None
    name = found[1] if found[1] in headers else b"content-length"
    return data[: found.start(2)], data[found.end(2) : end], headers.copy(), name
