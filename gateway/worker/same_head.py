"""A client's next request on a connection mostly has the head of its last one: the same bytes but for its body's length.

Such a head was parsed and accepted before, so it means what it meant then. Nothing else is guessed: any other byte, and
the parser reads it.
"""

from __future__ import annotations

import re
from typing import Final

_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})\r\n", re.IGNORECASE)
_NEVER_AGAIN: Final = (b"expect", b"transfer-encoding", b"upgrade")
Target = tuple[str, bytes, bytes]


class Head:
    """What came before and after the number of `content-length`, and what it said."""

    __slots__ = ("_after", "_before", "_headers", "key_hash", "method", "target")

    def __init__(self, before: bytes, after: bytes, headers: dict[bytes, bytes], method: str, target: Target) -> None:
        self._before = before
        self._after = after
        self._headers = headers
        # Of the credential in it, once it was asked for.
        self.key_hash = ""
        self.method = method
        self.target = target

    def read(self, data: bytes) -> tuple[dict[bytes, bytes], bytes] | None:
        """Headers and body of a request, if all of `data` is one whole request with this head."""
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
        return {**self._headers, b"content-length": length}, body


def learned(data: bytes, headers: dict[bytes, bytes], method: str, target: Target) -> Head | None:
    """The head of a request that `data` is all of, on a connection that is kept; None for one that may not come again."""
    end = data.find(b"\r\n\r\n") + 4
    found = _LENGTH.search(data, 0, end)
    if found is None or len(data) != end + int(found[1]) or any(name in headers for name in _NEVER_AGAIN):
        return None
    return Head(data[: found.start(1)], data[found.end(1) : end], headers.copy(), method, target)
