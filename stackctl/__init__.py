"""stackctl: one spec in, a running, watched, alerting and proven LLM gateway stack out."""

__version__ = "0.1.0"

__all__ = ["__version__"]
