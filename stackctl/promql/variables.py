"""Grafana's variables in queries: replaced by values a parser accepts, with the way back to the original text.

Source: https://grafana.com/docs/grafana/latest/dashboards/variables/variable-syntax/ and
https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACEHOLDER = "any-value-of-a-variable"
"""Stands for a variable's value inside a string; checks of values pass over it."""
_VARIABLE = re.compile(
    r"\$\{(?P<braced>\w+)(?:\.\w+)?(?::(?P<format>[^}]*))?\}|\[\[(?P<old>\w+)(?::\w+)?\]\]|\$(?P<plain>\w+)"
)
_DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+$")
_RANGE_S = 6 * 3600


@dataclass(frozen=True)
class Substituted:
    """Text to parse, the variables it held, and where each of its characters came from."""

    text: str
    used: tuple[tuple[str, int], ...] = ()
    _starts: list[int] = field(default_factory=lambda: [0])
    _deltas: list[int] = field(default_factory=lambda: [0])
    _ends: list[int] = field(default_factory=lambda: [0])

    def origin(self, offset: int) -> int:
        """The offset in the original text for one in the parsed text."""
        index = bisect_right(self._starts, offset) - 1
        return (
            min(offset + self._deltas[index], self._ends[index]) if self._ends[index] else offset + self._deltas[index]
        )


def built_in(scrape_s: float) -> dict[str, str]:
    """Values of Grafana's own variables for a data source with this scrape interval, at its finest step."""
    scrape = f"{scrape_s:g}s" if scrape_s >= 1 else "1s"
    return {
        "__rate_interval": f"{max(4 * scrape_s, 1):g}s",
        "__interval": scrape,
        "__interval_ms": f"{scrape_s * 1000:g}",
        "__range": f"{_RANGE_S}s",
        "__range_s": str(_RANGE_S),
        "__range_ms": str(_RANGE_S * 1000),
        "__from": "1700000000000",
        "__to": "1700021600000",
        "__auto_interval": scrape,
    }


def substitute(
    text: str, values: Mapping[str, str], scrape_s: float, inside: Mapping[str, str] | None = None
) -> Substituted:
    """Replace every variable: Grafana's own by its meaning, others by `values` or by what fits the place.

    Within strings, where nothing need be known to parse, `inside` supplies the text, or a placeholder.
    """
    known = built_in(scrape_s) | dict(values)
    pieces: list[str] = []
    used: list[tuple[str, int]] = []
    starts, deltas, ends = [0], [0], [0]
    done = length = 0
    for match in _VARIABLE.finditer(text):
        name = match["braced"] or match["old"] or match["plain"]
        if _is_capture(text, match.start(), name):
            continue
        value = _value(name, known, inside or {}, text, match)
        pieces += [text[done : match.start()], value]
        length += match.start() - done
        starts += [length, length + len(value)]
        deltas += [match.start() - length, match.end() - length - len(value)]
        ends += [match.start(), 0]
        length += len(value)
        done = match.end()
        used.append((name, match.start()))
    return Substituted("".join([*pieces, text[done:]]), tuple(used), starts, deltas, ends)


def _is_capture(text: str, at: int, name: str) -> bool:
    """`$1` in label_replace, and `$` that ends a regular expression, are no variables."""
    return name.isdigit() or (text[at : at + 2] == "${" and name.isdigit())


def _value(name: str, known: Mapping[str, str], inside: Mapping[str, str], text: str, match: re.Match[str]) -> str:
    if name in known and name.startswith("__"):
        return known[name]
    if _in_string(text, match.start()):
        return inside.get(name, PLACEHOLDER)
    value = known.get(name, "")
    before = text[: match.start()].rstrip()
    if before.endswith(("[", "offset", ":")):
        return value if _DURATION.match(value) else "5m"
    return value or "1"


def _in_string(text: str, at: int) -> bool:
    quote = ""
    index = 0
    while index < at:
        char = text[index]
        if quote:
            if char == "\\" and quote != "`":
                index += 1
            elif char == quote:
                quote = ""
        elif char in "\"'`":
            quote = char
        index += 1
    return bool(quote)
