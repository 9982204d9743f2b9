"""YAML as a person would write it: stable order, block text for long expressions.

It is the text that PyYAML's safe dumper writes in block style, which tests/unit/render/test_yaml_text.py holds it to.
The structure and the plain texts are written here, because a bundle's ten thousand nodes take PyYAML a tenth of the
whole rendering; every text that could need quotes is left to PyYAML.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDTH = 4096
_UNSUITED = re.compile(r"\n|[\s\S]{1001}|[\s\S]*(?:[\r\x85\u2028\u2029]|\n\n\Z)")
"""Texts whose form depends on their place: long ones, which PyYAML folds, rare line breaks, open starts and ends."""
_PLAIN = re.compile(r"[A-Za-z0-9_/$(+^](?:[ -~]*[!-~])?")
_QUOTED = re.compile(r"[{\[](?:[ -~]*[!-~])?")
"""What begins like a mapping or a list in braces and is none."""
_LINES = re.compile(r"[!-~](?:[ -~]*[!-~])?(?:\n+(?:[ -~]*[!-~]))*\n?")
_NOT_EMPTY_LINE = re.compile(r"\n(?=[^\n])")
_IMPLICIT: dict[str, list[tuple[str, re.Pattern[str]]]] = yaml.resolver.Resolver.yaml_implicit_resolvers
"""By first character: the forms that a plain text may not have, for they are a number, a date, true, null, …"""
_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Base):  # type: ignore[misc]
    """Block style, with texts of several lines as such, and without anchors for what stands twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _represented(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _represented)


class _LeftToDumper(Exception):  # noqa: N818 no fault: a document that only PyYAML itself writes rightly
    """There is something in the document whose form depends on more than its own text."""


def to_yaml(data: Any) -> str:
    """`data` as block YAML in the order given."""
    lines: list[str] = []
    try:
        if isinstance(data, dict) and data:
            _mapping(data, "", "", lines)
        elif isinstance(data, list) and data:
            _sequence(data, "", "", lines)
        else:
            raise _LeftToDumper
    except _LeftToDumper:
        return _dumped(data)
    return "\n".join(lines) + "\n"


def _mapping(data: Mapping[Any, Any], indent: str, lead: str, lines: list[str]) -> None:
    """`lead` stands before the first key: the indent, or the dash of the list the mapping is an item of."""
    inner = f"{indent}  "
    for key, value in data.items():
        head = f"{lead}{_key(key)}:"
        if isinstance(value, dict) and value:
            lines.append(head)
            _mapping(value, inner, inner, lines)
        elif isinstance(value, list | tuple) and value:
            lines.append(head)
            _sequence(value, indent, indent, lines)
        else:
            lines.append(f"{head} {_scalar(value, indent)}")
        lead = indent


def _sequence(items: Sequence[Any], indent: str, lead: str, lines: list[str]) -> None:
    inner, lead = f"{indent}  ", f"{lead}- "
    for item in items:
        if isinstance(item, dict) and item:
            _mapping(item, inner, lead, lines)
        elif isinstance(item, list | tuple) and item:
            _sequence(item, inner, lead, lines)
        else:
            lines.append(f"{lead}{_scalar(item, indent)}")
        lead = f"{indent}- "


@lru_cache(maxsize=16384, typed=True)
def _key(key: Any) -> str:
    if isinstance(key, str) and len(key) < 100 and _is_plain(key):
        return key
    raise _LeftToDumper


def _scalar(value: Any, indent: str) -> str:
    if isinstance(value, dict | list | tuple):
        return "{}" if isinstance(value, dict) else "[]"
    # 0.0 and -0.0 are one to a cache.
    text = _dumped([value])[2:-1] if isinstance(value, float) else _text(value)
    return _NOT_EMPTY_LINE.sub(f"\n{indent}", text) if indent and "\n" in text else text


@lru_cache(maxsize=16384, typed=True)
def _text(value: Any) -> str:
    """A scalar as it stands in a list at the margin."""
    if isinstance(value, str):
        if _UNSUITED.match(value):
            raise _LeftToDumper
        if _is_plain(value):
            return value
        if _QUOTED.fullmatch(value):
            return "'" + value.replace("'", "''") + "'"
        if "\n" in value and _LINES.fullmatch(value):
            lines = _NOT_EMPTY_LINE.sub("\n  ", f"\n{value}")
            return f"|{lines.removesuffix(chr(10))}" if value.endswith("\n") else f"|-{lines}"
    return str(value) if type(value) is int else _dumped([value])[2:-1]


def _is_plain(text: str) -> bool:
    return (
        _PLAIN.fullmatch(text) is not None
        and ": " not in text
        and " #" not in text
        and text[-1] != ":"
        and not any(form.match(text) for _, form in _IMPLICIT.get(text[0], ()))
    )


def _dumped(data: Any) -> str:
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
