"""When two requests are the same question."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

import orjson

_NOT_THE_QUESTION: Final = frozenset({"stream", "stream_options", "user", "metadata", "cache", "store", "service_tier"})
"""Fields that do not change what the answer should say."""


class Scope(StrEnum):
    """Who may be given somebody's answer."""

    KEY = "key"
    TEAM = "team"
    ALL = "all"


def identity_of(kind: str, body: Mapping[str, Any], owner: str, namespace: str = "") -> bytes:
    """16 bytes that are equal for equal questions of the same owner.

    `kind` is the endpoint; `owner` is the key, the team, or nothing, by the cache's scope. Order of fields does not
    matter, every other difference does.
    """
    asked = body
    if not _NOT_THE_QUESTION.isdisjoint(body):
        asked = {name: value for name, value in body.items() if name not in _NOT_THE_QUESTION}
    canonical = orjson.dumps([kind, owner, namespace, asked], option=orjson.OPT_SORT_KEYS)
    return sha256(canonical).digest()[:16]
