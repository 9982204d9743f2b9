"""Where catalogues come from: the gateway's own file, and one file per LiteLLM version line beside this module."""

from __future__ import annotations

import difflib
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from stackctl.catalogue.metric import Catalogue, Metric
from stackctl.catalogue.releases import refused, warned
from stackctl.errors import UsageError
from stackctl.yaml_data import load_yaml

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

BUNDLED = "bundled"
STACK = "stack"
"""The line of what Prometheus and Alertmanager say about themselves, and of what every scrape adds (`up`)."""
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.\w+)*")


def catalogue_lines() -> tuple[str, ...]:
    """The engine version lines there is a catalogue of, `bundled` first, then LiteLLM's by version."""
    names = (path.name.removesuffix(".yaml") for path in _lines().iterdir() if path.name.startswith("litellm-"))
    return (BUNDLED, *sorted(names, key=_order))


def line_of(engine: str, version: str | None = None) -> str:
    """The catalogue line for an engine version: the newest one that is not newer than the version.

    Raises UsageError for a LiteLLM older than every line, with all that is known against that release.
    """
    if engine == BUNDLED:
        return BUNDLED
    known = [line for line in catalogue_lines() if line != BUNDLED]
    older = [line for line in known if version is None or _order(line) <= _order(version)]
    if not older:
        raise _too_old(str(version), known[0].removeprefix("litellm-"))
    return older[-1]


def _too_old(version: str, oldest: str) -> UsageError:
    reasons = [*refused(version), *warned(version), "there is no catalogue of its metrics"]
    return UsageError(
        f"LiteLLM {version} is refused: {'; '.join(reasons)}",
        remedy=f"upgrade: {oldest} is the oldest known line, and without gateway.version the newest known release runs",
    )


@cache
def load_catalogue(line: str) -> Catalogue:
    """The catalogue of `bundled`, `litellm-1.87`, `litellm-1.102`, `litellm-1.109` or `stack`.

    Raises UsageError for another name.
    """
    if line == BUNDLED:
        return parse_catalogue((files("gateway.metrics") / "catalogue.yaml").read_text(encoding="utf-8"), BUNDLED)
    if line != STACK and line not in catalogue_lines():
        near = difflib.get_close_matches(line, catalogue_lines(), n=1)
        remedy = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(catalogue_lines())}"
        raise UsageError(f"there is no catalogue '{line}'", remedy=remedy)
    return parse_catalogue((_lines() / f"{line}.yaml").read_text(encoding="utf-8"), line)


def parse_catalogue(text: str, line: str) -> Catalogue:
    """A catalogue from its YAML; raises UsageError if it is none."""
    try:
        data = load_yaml(text)
        ladders = {name: tuple(map(float, edges)) for name, edges in (data.get("buckets") or {}).items()}
        metrics = [_metric(entry, ladders) for entry in data["metrics"]]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"catalogue '{line}' cannot be read: {error!r}") from error
    return Catalogue(
        line=data.get("line", line),
        engine=data.get("engine", BUNDLED),
        learned_from=data.get("learned_from", "its own registry"),
        metrics={metric.name: metric for metric in metrics},
        bounds=data.get("bounds") or {},
    )


def _metric(entry: dict[str, Any], ladders: dict[str, tuple[float, ...]]) -> Metric:
    return Metric(
        name=entry["name"],
        type=entry["type"],
        unit=entry.get("unit", ""),
        labels=tuple(entry["labels"]),
        help=entry.get("help", ""),
        buckets=ladders[entry["buckets"]] if "buckets" in entry else (),
        needs=entry.get("needs", ""),
        since=str(entry.get("since", "")),
        until=str(entry.get("until", "")),
        mode=entry.get("multiprocess", ""),
    )


def _lines() -> Traversable:
    return files(__package__) / "lines"


def _order(version: str) -> tuple[int, ...]:
    match = _VERSION.search(version)
    return tuple(map(int, match.groups())) if match else ()
