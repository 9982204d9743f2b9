"""stackctl: one spec in, a running, watched, alerting and proven LLM gateway stack out."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("stackctl")
except PackageNotFoundError:  # running from a tree that was never installed
    __version__ = "0.0.0"

__all__ = ["__version__"]
