"""Which class serves which provider, by the wire of the table."""

from __future__ import annotations

from gateway.config import Config, known
from gateway.config.known import Wire
from gateway.outbox import Outbox
from gateway.providers.anthropic import AnthropicProvider
from gateway.providers.gemini import GeminiProvider
from gateway.providers.mock import MockProvider
from gateway.providers.openai import OpenAIProvider
from gateway.providers.sdk import SdkProvider
from gateway.providers.translating import Translating
from gateway.upstream import Client


def providers_for(config: Config, outbox: Outbox) -> dict[str, Translating]:
    """By the name of each provider in the config; they share one pool of connections."""
    client = _client(config, outbox)
    plain = OpenAIProvider(client)
    openai = Translating(plain, plain)
    by_wire: dict[Wire, Translating] = {
        "openai": openai,
        "azure": openai,
        "anthropic": Translating(AnthropicProvider(client)),
        "gemini": Translating(GeminiProvider(client)),
        "mock": Translating(MockProvider()),
        "sdk": Translating(SdkProvider(config.proxy)),
    }
    names = {d.provider for model in config.models for d in model.deployments}
    return {name: by_wire[known(name).wire] for name in names}


def _client(config: Config, outbox: Outbox) -> Client:
    if not any(d.proxy for model in config.models for d in model.deployments):
        return Client(outbox=outbox)
    # Imported here: it brings a library that most gateways do not need.
    from gateway.upstream.proxied import ProxyingClient

    return ProxyingClient(outbox=outbox)
