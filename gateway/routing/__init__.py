"""Which deployments to try for a public model name, and in which order."""

from gateway.routing.router import Router, Step

__all__ = ["Router", "Step"]
