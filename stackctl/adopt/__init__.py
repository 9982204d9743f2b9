"""Specs from deployments that exist already."""

from stackctl.adopt.litellm import Adopted, adopt_litellm

__all__ = ["Adopted", "adopt_litellm"]
