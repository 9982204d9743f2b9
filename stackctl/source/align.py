"""Where each character of a decoded scalar stands in the raw text it was decoded from."""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    r"\\(?:u[0-9A-Fa-f]{4}(?:\\u[Dd][C-Fc-f][0-9A-Fa-f]{2})?|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|\r?\n[ \t]*|.)", re.DOTALL
)
_CONTINUED = re.compile(r"\\\r?\n[ \t]*")
_WHITE = " \t\r\n"


def align(raw: str, value: str, start: int) -> tuple[int, ...]:
    """Offsets into the file for each character of `value`, plus one for its end.

    `raw` is the scalar as written, quotes or block indicator included, and begins at offset `start` of the file. It
    works for every YAML style and for JSON: blank runs are folded, escapes are stepped over, all else is literal.
    """
    double, at = raw.startswith('"'), _opening(raw)
    offsets: list[int] = []
    for char in value:
        if char in _WHITE and not (double and raw[at : at + 1] == "\\"):
            offsets.append(start + min(at, len(raw) - 1))
            at = _past_blank(raw, at, char)
            continue
        at = _to_ink(raw, at, double)
        offsets.append(start + min(at, max(len(raw) - 1, 0)))
        at += _width(raw, at, double)
    return (*offsets, start + min(at, max(len(raw) - 1, 0)))


def _opening(raw: str) -> int:
    if raw[:1] in "\"'":
        return 1
    if raw[:1] in "|>":
        return raw.find("\n") + 1
    return 0


def _past_blank(raw: str, at: int, char: str) -> int:
    """One blank of the value is one blank of the text, or a line break with all indentation around it."""
    if char == " " and raw[at : at + 1] == " ":
        return at + 1
    end = raw.find("\n", at)
    if end >= 0 and not raw[at:end].strip():
        return end + 1
    return at + 1 if raw[at : at + 1] in _WHITE else at


def _to_ink(raw: str, at: int, double: bool) -> int:
    while at < len(raw):
        if raw[at] in _WHITE:
            at += 1
        elif double and (skipped := _CONTINUED.match(raw, at)):
            at = skipped.end()
        else:
            break
    return at


def _width(raw: str, at: int, double: bool) -> int:
    if double and raw[at : at + 1] == "\\" and (escape := _ESCAPE.match(raw, at)):
        return len(escape.group())
    if raw[:1] == "'" and raw[at : at + 2] == "''":
        return 2
    return 1
