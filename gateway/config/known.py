"""The table of providers, `providers.yaml`, as types."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

_TABLE = Path(__file__).with_name("providers.yaml")
SDK_PREFIX = "litellm/"

Wire = Literal["openai", "azure", "anthropic", "gemini", "mock", "sdk"]


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """One entry; the file's head says what the fields mean."""

    wire: Wire = "openai"
    base: str | None = None
    auth: str = "bearer"
    kinds: frozenset[str] = frozenset({"chat", "completions", "embeddings"})
    rename: dict[str, str] = field(default_factory=dict)
    drop: frozenset[str] = frozenset()
    stream_usage: bool = True


def known(provider: str) -> KnownProvider:
    """What is known of a provider; an unknown name is an OpenAI-compatible server without an address."""
    if provider.startswith(SDK_PREFIX):
        return KnownProvider(wire="sdk", base="sdk")
    return table().get(provider, KnownProvider())


@cache
def table() -> dict[str, KnownProvider]:
    """Every provider of the file by name."""
    raw: dict[str, dict[str, Any]] = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))
    return {name: _entry(fields) for name, fields in raw.items()}


def _entry(fields: dict[str, Any]) -> KnownProvider:
    sets: dict[str, Any] = {name: frozenset(fields[name]) for name in ("kinds", "drop") if name in fields}
    return KnownProvider(**{**fields, **sets})
