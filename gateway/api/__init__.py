"""The HTTP surface: `/v1/*` by own handlers, everything else by FastAPI."""
