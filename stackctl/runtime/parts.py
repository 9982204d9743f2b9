"""The parts of a local stack and where each of them listens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackctl.spec import Spec

_ANY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 read here, not bound


@dataclass(frozen=True, slots=True)
class Part:
    """One program of the stack: its name in supervisord, its log file's name, and its address."""

    name: str
    host: str
    port: int
    spec_field: str
    """The field of the spec that holds the port."""
    container_port: int | None = None
    """The port as the other parts see it, where that is another one."""
    password: str = field(default="", repr=False)
    """Of the user `admin`, where the part asks for one."""

    @property
    def seen_port(self) -> int:
        """The port at which the other parts reach it."""
        return self.container_port or self.port

    @property
    def url(self) -> str:
        """The base URL as seen from this machine."""
        host = _ANY_ADDRESS.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def parts_of(spec: Spec) -> tuple[Part, ...]:
    """Every part, in the order people care about them."""
    return (
        Part("gateway", spec.gateway.host, spec.gateway.port, "gateway.port"),
        Part("prometheus", spec.prometheus.host, spec.prometheus.port, "prometheus.port"),
        Part("alertmanager", spec.alertmanager.host, spec.alertmanager.port, "alertmanager.port"),
        Part("inbox", "127.0.0.1", spec.alerts.inbox.port, "alerts.inbox.port"),
    )


def urls(spec: Spec) -> dict[str, str]:
    """The base URL of every part, for `open` and for people."""
    return {part.name: part.url for part in parts_of(spec)}
