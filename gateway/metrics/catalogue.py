"""`catalogue.yaml` as typed values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Metric:
    """One family. `mode` is prometheus_client's multiprocess mode, for gauges only."""

    name: str
    kind: str
    unit: str
    help: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...]
    writer: str
    mode: str

    @property
    def family(self) -> str:
        """The family's name in prometheus_client's files: a counter's has no `_total`."""
        return self.name.removesuffix("_total") if self.kind == "counter" else self.name


PATH = Path(__file__).with_name("catalogue.yaml")


@cache
def catalogue() -> dict[str, Metric]:
    """All metrics by name."""
    raw = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    ladders = {name: tuple(float(edge) for edge in edges) for name, edges in raw["buckets"].items()}
    metrics = (
        Metric(
            name=entry["name"],
            kind=entry["type"],
            unit=entry["unit"],
            help=entry["help"],
            labels=tuple(entry["labels"]),
            buckets=ladders[entry["buckets"]] if "buckets" in entry else (),
            writer=entry["writer"],
            mode=entry.get("multiprocess", ""),
        )
        for entry in raw["metrics"]
    )
    return {metric.name: metric for metric in metrics}
