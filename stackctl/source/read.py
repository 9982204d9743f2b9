"""YAML and JSON into nodes. JSON is read as JSON: YAML's rules for tabs and escapes differ."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from stackctl.errors import UsageError
from stackctl.source.node import Lines, Node, Placed

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BLANK = re.compile(r"[ \t\r\n]*")


def read_yaml(text: str, file: str) -> Node:
    """The document of a YAML file; raises UsageError with the place of the first fault."""
    lines = Lines.of(file, text)
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return _from_yaml(loader, root, text, lines) if root is not None else Node(None, lines, 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise UsageError(
            f"{where}: {error.problem or error.context}", remedy="correct the YAML at this place"
        ) from None
    except yaml.YAMLError as error:
        raise UsageError(f"{file}: {str(error).splitlines()[0]}") from None
    finally:
        loader.dispose()


def _from_yaml(loader: Any, node: yaml.Node, text: str, lines: Lines) -> Node:
    start = node.start_mark.index
    if isinstance(node, yaml.MappingNode):
        pairs = [(str(key.value), key.start_mark.index, value) for key, value in node.value]
        data: Any = {name: _from_yaml(loader, value, text, lines) for name, _, value in pairs}
        return Node(data, lines, start, keys={name: index for name, index, _ in pairs})
    if isinstance(node, yaml.SequenceNode):
        return Node([_from_yaml(loader, item, text, lines) for item in node.value], lines, start)
    raw = text[start : node.end_mark.index]
    placed = Placed(str(node.value), lines, raw, start)
    return Node(loader.construct_object(node), lines, start, placed)


def read_json(text: str, file: str) -> Node:
    """The document of a JSON file; raises UsageError with the place of the first fault."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"{file}:{error.lineno}:{error.colno}: {error.msg}", remedy="correct the JSON here") from None
    except RecursionError:
        raise UsageError(f"{file}: nested too deeply") from None
    return _Json(text, Lines.of(file, text)).value(0)[0]


class _Json:
    """A reader of valid JSON that keeps offsets."""

    def __init__(self, text: str, lines: Lines) -> None:
        self._text = text
        self._lines = lines
        self._decode = json.JSONDecoder(strict=False).raw_decode

    def value(self, at: int) -> tuple[Node, int]:
        """The value at or after `at`, and the offset behind it."""
        at = self._skip(at)
        char = self._text[at]
        if char == "{":
            return self._mapping(at)
        if char == "[":
            return self._list(at)
        data, end = self._decode(self._text, at)
        placed = None
        if isinstance(data, str):
            placed = Placed(data, self._lines, self._text[at:end], at)
        elif data is not None:
            shown = self._text[at:end]
            placed = Placed(shown, self._lines, shown, at)
        return Node(data, self._lines, at, placed), end

    def _mapping(self, start: int) -> tuple[Node, int]:
        data: dict[str, Node] = {}
        keys: dict[str, int] = {}
        at = self._skip(start + 1)
        while self._text[at] != "}":
            name, end = self._decode(self._text, at)
            keys[name] = at
            data[name], at = self.value(self._skip(end) + 1)
            at = self._comma(at)
        return Node(data, self._lines, start, keys=keys), at + 1

    def _list(self, start: int) -> tuple[Node, int]:
        data: list[Node] = []
        at = self._skip(start + 1)
        while self._text[at] != "]":
            node, at = self.value(at)
            data.append(node)
            at = self._comma(at)
        return Node(data, self._lines, start), at + 1

    def _comma(self, at: int) -> int:
        at = self._skip(at)
        return self._skip(at + 1) if self._text[at] == "," else at

    def _skip(self, at: int) -> int:
        found = _BLANK.match(self._text, at)
        return found.end() if found else at
