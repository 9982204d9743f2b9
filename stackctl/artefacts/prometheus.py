"""prometheus.yml, as far as it decides what rules and panels can see."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackctl.artefacts.durations import seconds

if TYPE_CHECKING:
    from stackctl.source import Node

DEFAULT_SCRAPE_S = 60.0
DEFAULT_RETENTION_S = 15 * 86400.0


@dataclass(frozen=True)
class ScrapeJob:
    """One scrape job: the labels its targets add and the labels it drops before storing."""

    name: str
    interval_s: float
    labels: frozenset[str]
    dropped_labels: tuple[str, ...]
    dropped_names: tuple[str, ...]
    discovers: bool

    def drops_label(self, label: str) -> bool:
        return any(_matches(pattern, label) for pattern in self.dropped_labels)

    def drops_series(self, name: str) -> bool:
        return any(_matches(pattern, name) for pattern in self.dropped_names)


@dataclass(frozen=True)
class PrometheusConfig:
    """What Prometheus scrapes, how often, and how long it keeps it."""

    file: str
    scrape_s: float
    evaluation_s: float
    jobs: tuple[ScrapeJob, ...]
    external_labels: dict[str, str]
    retention_s: float | None

    @property
    def shortest_scrape_s(self) -> float:
        return min((job.interval_s for job in self.jobs), default=self.scrape_s)


def read_prometheus(root: Node) -> PrometheusConfig:
    """prometheus.yml; what is left out has Prometheus' defaults."""
    scrape = seconds(root.get("global", "scrape_interval").text) or DEFAULT_SCRAPE_S
    return PrometheusConfig(
        root.lines.file,
        scrape,
        seconds(root.get("global", "evaluation_interval").text) or DEFAULT_SCRAPE_S,
        tuple(_job(node, scrape) for node in root.get("scrape_configs")),
        {name: node.text for name, node in root.get("global", "external_labels").items()},
        seconds(root.get("storage", "tsdb", "retention", "time").text),
    )


def _job(node: Node, default_s: float) -> ScrapeJob:
    static = [group for group in node.get("static_configs") if group]
    labels = {name for group in static for name, _ in group.get("labels").items()}
    labels |= {rule.get("target_label").text for rule in node.get("relabel_configs")} - {""}
    relabels = list(node.get("metric_relabel_configs"))
    labels |= {rule.get("target_label").text for rule in relabels} - {""}
    named = [rule for rule in relabels if [item.text for item in rule.get("source_labels")] == ["__name__"]]
    return ScrapeJob(
        node.get("job_name").text,
        seconds(node.get("scrape_interval").text) or default_s,
        frozenset(label for label in labels if not label.startswith("__")),
        tuple(rule.get("regex").text for rule in relabels if rule.get("action").text == "labeldrop"),
        tuple(rule.get("regex").text for rule in named if rule.get("action").text == "drop"),
        any(name.endswith("_sd_configs") for name, _ in node.items()),
    )


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return False
