"""Where an image is really fetched from: its own registry or a mirror, over HTTPS or plain HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stackctl.images.reference import DOCKER_HUB
from stackctl.spec.images import RegistrySettings, is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackctl.images.reference import Reference

_HUB_API = "registry-1.docker.io"


@dataclass(frozen=True)
class Place:
    """One repository at one host."""

    host: str
    repository: str
    plain_http: bool
    loopback: bool

    @property
    def url(self) -> str:
        """Base of the repository's API, without a trailing slash."""
        scheme = "http" if self.plain_http else "https"
        return f"{scheme}://{_HUB_API if self.host == DOCKER_HUB else self.host}/v2/{self.repository}"

    @property
    def name(self) -> str:
        """host/repository, as cosign takes it."""
        return f"{self.host}/{self.repository}"


@dataclass(frozen=True)
class Addresses:
    """The spec's settings of registries, applied to references."""

    settings: Mapping[str, RegistrySettings] = field(default_factory=dict)

    def place_of(self, reference: Reference) -> Place:
        """Where to ask for an image. Plain HTTP is for loopback, and for registries declared insecure."""
        settings = self.settings.get(reference.registry, RegistrySettings())
        host, _, prefix = (settings.mirror or reference.registry).partition("/")
        repository = f"{prefix}/{reference.repository}" if prefix else reference.repository
        loopback = is_loopback(_without_port(host))
        reached = self.settings.get(host, settings)
        return Place(host, repository, loopback or settings.insecure or reached.insecure, loopback)


def _without_port(host: str) -> str:
    head, colon, port = host.rpartition(":")
    return head if colon and port.isdigit() else host
