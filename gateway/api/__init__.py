"""The HTTP surface: `/v1/*` as raw ASGI, everything else as FastAPI."""
