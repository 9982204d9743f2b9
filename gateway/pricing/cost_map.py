"""Token prices of LiteLLM's cost map (MIT licence), cut down to what a gateway of tokens needs.

`cost_map.json` is written by `scripts/refresh_prices`; its head names source, version, date and licence. Values
are nano-USD per million tokens in the order of `FIELDS`, trailing nothings left out.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson

from gateway.pricing.price import Price

PATH = Path(__file__).with_name("cost_map.json")
FIELDS = (
    "input", "output", "cached_input", "cache_write", "reasoning", "audio_input", "audio_output",
    "batch_input", "batch_output", "tier_above", "tier_input", "tier_output", "tier_cached_input", "tier_cache_write",
)  # fmt: skip
# Our names of providers in the map; others have the same name there.
_MAPPED_AS = {
    "together": ("together_ai",),
    "google": ("gemini",),
    "vertex": ("vertex_ai-language-models", "vertex_ai"),
    "bedrock": ("bedrock", "bedrock_converse"),
    "azure": ("azure", "azure_ai"),
    "fireworks": ("fireworks_ai",),
}


def mapped(provider: str, model: str) -> Price | None:
    """The map's price of a provider's model, or None."""
    models: dict[str, dict[str, list[int | None]]] = _read()["models"]
    for name in (provider, *_MAPPED_AS.get(provider, ())):
        of_provider = models.get(name, {})
        for candidate in (model, f"{name}/{model}"):
            if candidate in of_provider:
                return _price(of_provider[candidate])
    return None


def _price(listed: list[int | None]) -> Price:
    value = dict(zip(FIELDS, [*listed, *[None] * (len(FIELDS) - len(listed))], strict=True))
    tiers: tuple[tuple[int, Price], ...] = ()
    if value["tier_above"] is not None:
        above = Price(
            _first(value["tier_input"], value["input"]), _first(value["tier_output"], value["output"]),
            value["tier_cached_input"], value["tier_cache_write"], value["reasoning"],
            value["audio_input"], value["audio_output"],
        )  # fmt: skip
        tiers = ((value["tier_above"], above),)
    batch = None
    if value["batch_input"] is not None:
        batch = Price(value["batch_input"], _first(value["batch_output"], value["output"]))
    return Price(
        value["input"] or 0, value["output"] or 0, value["cached_input"], value["cache_write"], value["reasoning"],
        value["audio_input"], value["audio_output"], tiers, batch,
    )  # fmt: skip


def _first(*values: int | None) -> int:
    return next((value for value in values if value is not None), 0)


@cache
def _read() -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(PATH.read_bytes())
    return found
