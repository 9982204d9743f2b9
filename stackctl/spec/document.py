"""A YAML document whose every value knows its line and column."""

from __future__ import annotations

from typing import Any

import yaml

from stackctl.errors import SpecError
from stackctl.problem import Position, Problem

Path = tuple[str | int, ...]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Document:
    """Plain data plus the position of each key and value, by path such as `("models", 0, "name")`."""

    def __init__(self, text: str, file: str) -> None:
        """Parse `text`; raises SpecError with the position of the first syntax error or duplicate key."""
        self.file = file
        self._values: dict[Path, yaml.Mark] = {}
        self._keys: dict[Path, yaml.Mark] = {}
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            self.data = self._plain(loader, root, ()) if root is not None else {}
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise SpecError([self._syntax(str(error.problem or error.context), mark)]) from error
        except yaml.YAMLError as error:
            raise SpecError([self._syntax(str(error).splitlines()[0], None)]) from error
        finally:
            loader.dispose()

    def position(self, path: Path, *, key: bool = False) -> Position:
        """Where the value (or its key) at `path` stands; the nearest parent if it is absent."""
        marks = self._keys if key else self._values
        while path and path not in marks:
            path, marks = path[:-1], self._values
        mark = marks.get(path)
        return Position(self.file, mark.line + 1, mark.column + 1) if mark else Position(self.file)

    def _plain(self, loader: Any, node: yaml.Node, path: Path) -> Any:
        self._values[path] = node.start_mark
        if isinstance(node, yaml.MappingNode):
            return {key: value for key, value in self._entries(loader, node, path)}  # noqa: C416 generator keeps order of errors
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(loader, item, (*path, index)) for index, item in enumerate(node.value)]
        return loader.construct_object(node)

    def _entries(self, loader: Any, node: yaml.MappingNode, path: Path) -> list[tuple[str, Any]]:
        entries: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in entries:
                raise SpecError([self._syntax(f"'{key}' is given twice", key_node.start_mark)])
            self._keys[*path, key] = key_node.start_mark
            entries[key] = self._plain(loader, value_node, (*path, key))
        return list(entries.items())

    def _syntax(self, message: str, mark: yaml.Mark | None) -> Problem:
        position = Position(self.file, mark.line + 1, mark.column + 1) if mark else Position(self.file)
        return Problem("spec/yaml", message, position=position, remedy="correct the YAML at this place")
