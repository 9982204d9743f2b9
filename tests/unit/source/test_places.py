"""Every character of every scalar is found at its line and column, in every way YAML and JSON write it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.errors import UsageError
from stackctl.source import Node, read_json, read_yaml

TEXT = """# Grüße
rules:
  - expr: |
      sum(rate(a[5m]))
        / b  # ü
      > 0.05
    folded: >-
      one
      two three

      four
    plain: goes on
      over lines
    single: 'it''s here'
    double: "a \\"quoted\\" word,\\
      continued"
"""


def scalars(node: Node) -> list[Node]:
    if isinstance(node.data, dict | list):
        children = node.data.values() if isinstance(node.data, dict) else node.data
        return [found for child in children for found in scalars(child)]
    return [node]


def test_every_visible_character_of_every_yaml_style_stands_where_it_is_said_to() -> None:
    lines = TEXT.split("\n")
    for node in scalars(read_yaml(TEXT, "f")):
        assert node.placed is not None
        for index, char in enumerate(node.placed.text):
            position = node.placed.at(index)
            written = lines[position.line - 1][position.column - 1 : position.column]
            assert char.isspace() or written == char or written in "\\'", (node.placed.text, index)


@given(st.text(), st.integers(0, 3))
def test_json_strings_with_any_escapes_are_aligned(text: str, indent: int) -> None:
    source = json.dumps({"a": [text, {"b": text}]}, indent=indent)
    root = read_json(source, "f")
    assert root.plain() == {"a": [text, {"b": text}]}
    placed = next(iter(root.get("a"))).placed
    assert placed is not None
    assert len(placed.offsets) == len(text) + 1
    assert list(placed.offsets) == sorted(placed.offsets)
    for index, char in enumerate(text):
        if char.isascii() and char.isalnum():
            assert source[placed.offsets[index]] == char


def test_a_part_of_a_text_keeps_its_place() -> None:
    placed = read_json('{"q": "label_values(\\"x\\", up)"}', "f").get("q").placed
    assert placed is not None
    part = placed.part(18, 20)
    assert (part.text, part.at(0).column) == ("up", 28)


@pytest.mark.parametrize(("text", "where"), [("a: [1\nb: 2", "f:2:"), ("a: 'x", "f:1:")])
def test_yaml_faults_name_their_place(text: str, where: str) -> None:
    with pytest.raises(UsageError, match=where):
        read_yaml(text, "f")


def test_json_faults_name_their_place() -> None:
    with pytest.raises(UsageError, match="f:2:3"):
        read_json("{\n  x}", "f")
