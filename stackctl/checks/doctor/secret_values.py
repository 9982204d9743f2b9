"""The secrets that stand in a YAML file, by the names of its fields: whatever notation they are written in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from stackctl.checks.doctor.redact import NAMES, SHORTEST, is_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(rf"(?i)[\w.-]*(?<!per_)(?:{NAMES})")


def secret_values(text: str) -> set[str]:
    """Every value whose name says that it is a secret, a long one line by line; none of a text that is no YAML."""
    try:
        documents = list(yaml.safe_load_all(text))
    except (yaml.YAMLError, ValueError, RecursionError):
        return set()
    lines = (line.strip() for document in documents for value in _values(document) for line in value.splitlines())
    return {line for line in lines if len(line) >= SHORTEST and not is_reference(line)}


def _values(data: Any, name: str = "") -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _values(value, str(key))
    elif isinstance(data, list):
        for item in data:
            yield from _values(item, name)
    elif isinstance(data, str):
        variable, sign, value = data.partition("=")  # as `environment` has it when it is a list
        if _NAME.fullmatch(name):
            yield data
        elif sign and _NAME.fullmatch(variable):
            yield value
