"""Alertmanager's matchers (https://prometheus.io/docs/alerting/latest/configuration/#matcher)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_ONE = re.compile(
    r"""\s*(?P<name>"(?:\\.|[^"\\])*"|[^\s=!~"{},]+)\s*(?P<op>=~|!~|!=|=)\s*(?P<value>"(?:\\.|[^"\\])*"|[^",}]*)\s*"""
)


@dataclass(frozen=True)
class LabelMatcher:
    """One condition on one label; a missing label is the empty text."""

    name: str
    op: str
    value: str

    def matches(self, value: str) -> bool:
        """Whether a label of this value passes; regular expressions are anchored."""
        if self.op in ("=", "!="):
            return (value == self.value) == (self.op == "=")
        return (re.fullmatch(self.value, value, re.DOTALL) is not None) == (self.op == "=~")

    def __str__(self) -> str:
        return f'{self.name}{self.op}"{self.value}"'


def parse_matchers(text: str) -> list[LabelMatcher]:
    """`a="b"`, `a=~"b|c", d!="e"` or the same in braces; raises ValueError."""
    body = text.strip()
    if body.startswith("{") and body.endswith("}"):
        body = body[1:-1]
    found, at = [], 0
    while at < len(body):
        match = _ONE.match(body, at)
        if not match:
            raise ValueError(f"'{text}' is no matcher")
        found.append(LabelMatcher(_unquoted(match["name"]), match["op"], _unquoted(match["value"].strip())))
        at = match.end()
        if body[at : at + 1] not in (",", ""):
            raise ValueError(f"'{text}' is no matcher")
        at += 1
    return found


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        return text[1:-1]
