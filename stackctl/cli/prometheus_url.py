"""Where a stack's own Prometheus answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.errors import UsageError
from stackctl.render.places import address

if TYPE_CHECKING:
    from stackctl.spec import SpecFile


def prometheus_url(source: SpecFile | None) -> str:
    """The address the spec gives it; raises UsageError where there is no spec."""
    if source is None:
        raise UsageError("which Prometheus?", remedy="name it with --prometheus URL")
    spec = source.spec.prometheus
    return f"http://{address(spec.host, spec.port)}"
