"""Reading YAML that ships with stackctl or that another program wrote.

The plain values are those of PyYAML's safe loader, which tests/unit/test_yaml_data.py holds them to. Its constructors
are made for any type of object and take longer than libyaml takes to parse: mappings, lists and texts are built here.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import Any

import yaml

# libyaml reads about ten times as fast as the pure Python loader; both build the same plain values.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_TEXT, _MAPPING, _LIST = f"{_TAG}str", f"{_TAG}map", f"{_TAG}seq"
_MERGED = (f"{_TAG}merge", f"{_TAG}value")


class _Loader(_Base):  # type: ignore[misc]
    """The safe loader, with what a plain text stands for found once: keys and labels repeat."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0]:
            return _tag(value)
        return super().resolve(kind, value, implicit)


@lru_cache(maxsize=16384)
def _tag(text: str) -> str:
    """What a plain scalar is: a text, or one of YAML 1.1's numbers, dates, truths and nothings."""
    forms = yaml.resolver.Resolver.yaml_implicit_resolvers
    found = (tag for tag, form in (*forms.get(text[:1], ()), *forms.get(None, ())) if form.match(text))
    return next(found, _TEXT)


def load_yaml(text: str | bytes) -> Any:
    """Plain values; raises yaml.YAMLError."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return None if root is None else _plain(loader, root, {})
    finally:
        loader.dispose()


def _plain(loader: Any, node: yaml.Node, made: dict[yaml.Node, Any]) -> Any:
    """`made` holds what aliases may refer to."""
    if node.tag == _TEXT and isinstance(node, yaml.ScalarNode):
        return node.value
    if node in made:
        return made[node]
    if node.tag == _MAPPING and isinstance(node, yaml.MappingNode):
        return _mapping(loader, node, made)
    if node.tag == _LIST and isinstance(node, yaml.SequenceNode):
        items = made[node] = []
        items.extend(_plain(loader, item, made) for item in node.value)
        return items
    return loader.construct_object(node, deep=True)


def _mapping(loader: Any, node: yaml.MappingNode, made: dict[yaml.Node, Any]) -> dict[Hashable, Any]:
    if any(key.tag in _MERGED for key, _ in node.value):
        loader.flatten_mapping(node)
    data = made[node] = {}
    for key_node, value_node in node.value:
        key = _plain(loader, key_node, made)
        if not isinstance(key, Hashable):
            raise yaml.constructor.ConstructorError(
                "while constructing a mapping", node.start_mark, "found unhashable key", key_node.start_mark
            )
        data[key] = _plain(loader, value_node, made)
    return data
