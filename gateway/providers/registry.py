"""Which class serves which provider, by the wire of the table."""

from __future__ import annotations

from gateway.config import Config, known
from gateway.config.known import Wire
from gateway.providers.anthropic import AnthropicProvider
from gateway.providers.base import Provider
from gateway.providers.gemini import GeminiProvider
from gateway.providers.mock import MockProvider
from gateway.providers.openai import OpenAIProvider
from gateway.providers.sdk import SdkProvider
from gateway.providers.translating import Translating
from gateway.upstream import Client


def providers_for(config: Config) -> dict[str, Provider]:
    """By the name of each provider in the config; they share one pool of connections."""
    client = Client()
    openai = Translating(OpenAIProvider(client))
    by_wire: dict[Wire, Provider] = {
        "openai": openai,
        "azure": openai,
        "anthropic": Translating(AnthropicProvider(client)),
        "gemini": Translating(GeminiProvider(client)),
        "mock": Translating(MockProvider()),
        "sdk": Translating(SdkProvider()),
    }
    names = {d.provider for model in config.models for d in model.deployments}
    return {name: by_wire[known(name).wire] for name in names}
