"""Counting tokens where a provider does not say: OpenAI's o200k encoding, from data inside a wheel.

tiktoken fetches its data at run time, which a gateway must not; bpe-openai carries it. Other providers'
tokenizers differ (docs/decisions/083), so whatever is counted here is marked `estimated`. The encoding takes
about 0.15 s and 100 MB when first used, which is why no process loads it before it must.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

# What a chat template adds per message and per request, by OpenAI's cookbook on counting tokens.
_PER_MESSAGE = 3
_PER_REQUEST = 3


def of_text(text: str) -> int:
    """Tokens of a text."""
    return len(_encoding().encode(text, disallowed_special=())) if text else 0


def of_messages(messages: list[Any]) -> int:
    """Prompt tokens of a chat: the texts of its messages and what the template adds."""
    return _PER_REQUEST + sum(_PER_MESSAGE + of_text(" ".join(_texts(message))) for message in messages)


def _texts(value: Any) -> list[str]:
    """All texts of a message; images and audio have none."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, dict):
        names = ("role", "content", "text", "name", "arguments", "function", "tool_calls")
        return [text for name in names for text in _texts(value.get(name))]
    return []


@cache
def _encoding() -> Any:
    with warnings.catch_warnings():
        # It reads its data by a function that Python 3.11 wants to be called otherwise.
        warnings.simplefilter("ignore", DeprecationWarning)
        # Imported here: few gateways ever meet a provider that does not count.
        import bpe_openai

        encoding = bpe_openai.get_encoding("o200k_base")
        encoding.encode("load")
    return encoding
