"""A provider without an upstream: deterministic tokens, latency and errors on demand.

A request's own `mock` object overrides the deployment's: `latency_s`, `chunk_interval_s`, `prompt_tokens`,
`completion_tokens`, `error` (an HTTP status). It answers chat, completions and embeddings; it calls a tool if the
request demands one and answers JSON if the request asks for it. It serves the demo, proofs and tests alike.
"""

from gateway.providers.mock.provider import MockProvider

__all__ = ["MockProvider"]
