"""Verification in Python, for where there is no cosign. It is not cosign, says so, and is never chosen silently."""

from stackctl.images.builtin.verify import BuiltinVerifier

__all__ = ["BuiltinVerifier"]
