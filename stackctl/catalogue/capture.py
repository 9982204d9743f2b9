"""Learn a catalogue from a live metrics page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from stackctl.errors import UsageError

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_GATEWAY_PREFIX = "litellm_"
_TYPES = ("counter", "gauge", "histogram", "summary")


def capture_catalogue(page: str, line: str, source: str) -> str:
    """The catalogue, as YAML, of what a page in Prometheus' text format shows; raises UsageError if it is none.

    Only labels and families that have samples now are on the page: let traffic pass first.
    """
    try:
        families = [f for f in text_string_to_metric_families(page) if f.name.startswith(_GATEWAY_PREFIX)]
    except ValueError as error:
        raise UsageError(f"{source} is no metrics page: {error}") from error
    if not families:
        raise UsageError(f"{source} shows no {_GATEWAY_PREFIX}* metric", remedy="is it a gateway's /metrics?")
    ladders: dict[tuple[float, ...], str] = {}
    metrics = [_metric(family, ladders) for family in families if family.type in _TYPES]
    engine = "bundled" if any(family.name == "litellm_gateway_info" for family in families) else "litellm"
    data = {
        "version": 1,
        "engine": engine,
        "line": line,
        "learned_from": source,
        "buckets": {name: list(edges) for edges, name in ladders.items()},
        "metrics": sorted(metrics, key=lambda metric: str(metric["name"])),
    }
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=4096)


def _metric(family: Metric, ladders: dict[tuple[float, ...], str]) -> dict[str, Any]:
    samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
    labels = {label: None for sample in samples for label in sample.labels if label not in ("le", "quantile")}
    found: dict[str, Any] = {
        "name": f"{family.name}_total" if family.type == "counter" else family.name,
        "type": family.type,
        "help": family.documentation,
        "labels": [label for label in labels if label != "pid"],
    }
    if "pid" in labels:
        found["multiprocess"] = "all"
    if family.type == "histogram":
        edges = {float(sample.labels["le"]) for sample in samples if "le" in sample.labels} - {float("inf")}
        found["buckets"] = ladders.setdefault(tuple(sorted(edges)), f"ladder_{len(ladders) + 1}")
    return found
