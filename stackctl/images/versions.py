"""Versions as image tags carry them: v1.83.0, 1.104.6-stable, v1.111.0-dev.2, main-v1.83.0-stable.patch.1."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackctl.spec.images import Versions

_VERSION = re.compile(r"(?:^|(?<=[^0-9A-Za-z.])|(?<=[^0-9A-Za-z.]v)|(?<=^v))(\d+)\.(\d+)\.(\d+)(?![0-9])(.*)$")
_STAGE = re.compile(r"^[._-]?(dev|nightly|alpha|a|beta|b|rc|pre)[._-]?(\d*)")
_PATCH = re.compile(r"(?:patch|post|hotfix)[._-]?(\d+)")
_STAGES = {"dev": 0, "nightly": 0, "alpha": 1, "a": 1, "beta": 2, "b": 2, "pre": 3, "rc": 3}
_RELEASE = 4


@dataclass(frozen=True, order=True)
class Version:
    """Comparable: 1.2.0-dev.1 < 1.2.0-rc.1 < 1.2.0 = 1.2.0-stable < 1.2.0-stable.patch.1 < 1.2.1."""

    release: tuple[int, int, int]
    stage: int = _RELEASE
    number: int = 0

    @property
    def line(self) -> str:
        """major.minor."""
        return f"{self.release[0]}.{self.release[1]}"

    @property
    def is_release(self) -> bool:
        return self.stage == _RELEASE

    def __str__(self) -> str:
        return ".".join(map(str, self.release))


def parse_version(tag: str) -> Version | None:
    """The version a tag carries; None for a floating tag such as `main-stable`."""
    match = _VERSION.search(tag)
    if match is None:
        return None
    release = (int(match[1]), int(match[2]), int(match[3]))
    if stage := _STAGE.match(match[4]):
        return Version(release, _STAGES[stage[1]], int(stage[2] or 0))
    patch = _PATCH.search(match[4])
    return Version(release, _RELEASE, int(patch[1]) if patch else 0)


def covers(versions: Versions, version: Version | None) -> bool:
    """Whether `version` lies within the bounds; an unknown version only where there are no bounds at all."""
    if version is None:
        return not (versions.first or versions.last or versions.lines)
    bounds = versions.lines.get(version.line, versions)
    first = parse_version(bounds.first or "")
    last = parse_version(bounds.last or "")
    return not (first and version < first) and not (last and _beyond(version, last))


def shape(tag: str) -> str:
    """A tag with its numbers taken out: tags of one shape are successive releases of one flavour."""
    return re.sub(r"\d+", "#", tag)


def _beyond(version: Version, last: Version) -> bool:
    """A patch of the last release itself (1.106.2-stable.patch.1) is still within."""
    return version > last and not (version.release == last.release and last.is_release)
