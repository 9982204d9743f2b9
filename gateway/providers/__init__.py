"""Providers turn a request into an upstream call, and the answer into the bytes the client expects and its Usage.

`gateway.providers.registry` makes them; here is only the seam, so that importing it loads no provider.
"""

from gateway.providers.base import Answer, Direct, Kind, Provider, Request, Stream

__all__ = ["Answer", "Direct", "Kind", "Provider", "Request", "Stream"]
