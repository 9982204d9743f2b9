"""OpenAI's o200k encoding, from data inside a wheel.

tiktoken fetches its data at run time, which a gateway must not; bpe-openai carries it in its extension module. That
module is loaded by itself: the package around it reads every encoding into dictionaries first (1.2 s, 100 MB), and
refuses long texts. Other providers' tokenizers differ (docs/decisions/083), so whatever is counted here is marked
`estimated`. It takes 0.1 s and 66 MB, which is why only the process that counts loads it (docs/decisions/145).
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Protocol, cast

from gateway.counting.texts import Texts


class _Tokenizer(Protocol):
    def count(self, text: str) -> int: ...


def of_text(text: str) -> int:
    """Tokens of a text."""
    return load().count(text)


def count(texts: Texts) -> int:
    """Tokens of texts and of what is around them."""
    return sum(map(of_text, texts.parts)) + texts.around


@cache
def load() -> _Tokenizer:
    """The tokenizer. Raises ImportError where the wheel is not installed or is another one."""
    package = importlib.util.find_spec("bpe_openai")
    places = package.submodule_search_locations if package is not None else None
    for directory in places or ():
        for file in Path(directory).glob("_bindings*"):
            if file.suffix not in (".so", ".pyd"):
                continue
            spec = importlib.util.spec_from_file_location("bpe_openai._bindings", file)
            if spec is not None and spec.loader is not None:
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                return cast(_Tokenizer, module.tokenizer_for_encoding("o200k_base"))
    raise ImportError("bpe-openai has no extension module `_bindings`")
