"""The bundled LLM gateway: an OpenAI-compatible proxy with keys, budgets, a ledger and exact metrics.

How the processes fit together: docs/decisions/002-gateway-processes-and-seams.md.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
