"""A pooled HTTP/1.1 client for upstreams: TLS, time-outs, a size cap, no stale socket."""

from gateway.upstream.body import Body
from gateway.upstream.client import Client
from gateway.upstream.connection import Reply, StaleConnectionError
from gateway.upstream.pools import Target

__all__ = ["Body", "Client", "Reply", "StaleConnectionError", "Target"]
