"""A pooled HTTP/1.1 client for upstreams: TLS, time-outs, a size cap, one retry on a stale socket."""

from gateway.upstream.client import Client, Reply, Target
from gateway.upstream.connection import Body

__all__ = ["Body", "Client", "Reply", "Target"]
