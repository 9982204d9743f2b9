"""Providers turn a public request into an upstream call, the answer into OpenAI-shaped bytes and Usage."""

from gateway.providers.base import Answer, Kind, Provider, Request, Stream, Usage
from gateway.providers.mock import MockProvider
from gateway.providers.openai import OpenAIProvider

__all__ = ["Answer", "Kind", "MockProvider", "OpenAIProvider", "Provider", "Request", "Stream", "Usage"]
