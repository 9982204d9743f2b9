"""Server-sent events as bytes."""

from __future__ import annotations

from typing import Any

import orjson


def named(event: dict[str, Any]) -> bytes:
    """An event whose name is its `type`, as Anthropic's and the Responses API's are."""
    return b"event: %b\ndata: %b\n\n" % (event["type"].encode(), orjson.dumps(event))


def plain(event: dict[str, Any]) -> bytes:
    """An event without a name, as OpenAI's chunks are."""
    return b"data: %b\n\n" % orjson.dumps(event)
