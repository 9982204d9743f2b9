"""What is known of an engine's releases: which are refused, which need a warning, and what changed when."""

import re
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from stackctl.yaml_data import load_yaml

_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


class Verdict(BaseModel):
    """One release, or every release before one, and what is wrong with it."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    version: str = ""
    before: str = ""
    reason: str

    def covers(self, version: str) -> bool:
        """Whether it speaks of this version; pre-releases count as the release they lead to."""
        mine = release(version)
        if mine is None:
            return False
        limit = release(self.before)
        return mine == release(self.version) or (limit is not None and mine < limit)


class Releases(BaseModel):
    """The release knowledge of one engine."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    engine: str
    newest: str
    image: str
    metrics_key_since: str
    multiprocess_directory_since: str
    worker_patience_since: str
    providers: tuple[str, ...]
    refused: tuple[Verdict, ...]
    warned: tuple[Verdict, ...]


@cache
def litellm_releases() -> Releases:
    """What is known of LiteLLM's releases."""
    return Releases.model_validate(load_yaml((files(__package__) / "litellm.yaml").read_text(encoding="utf-8")))


def refused(version: str) -> list[str]:
    """Why a LiteLLM release must not run; empty if nothing is known against it."""
    return [verdict.reason for verdict in litellm_releases().refused if verdict.covers(version)]


def warned(version: str) -> list[str]:
    """What to know before running a LiteLLM release."""
    return [verdict.reason for verdict in litellm_releases().warned if verdict.covers(version)]


def release(version: str) -> tuple[int, int, int] | None:
    """The numbers of a version or of an image tag (`v1.102.4`, `main-v1.63.2-stable`); None if it has none.

    1.60 is 1.60.0, as PEP 440 has it.
    """
    match = _NUMBERS.search(version)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def at_least(version: str, since: str) -> bool | None:
    """Whether `version` is `since` or newer; None where the version is not known."""
    mine, limit = release(version), release(since)
    return None if mine is None or limit is None else mine >= limit
