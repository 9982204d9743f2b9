"""The live examinations of a check run, each an entry of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.live import counter_fell, empty_panel, extra_metric, label_drift, missing_metric, no_series
from stackctl.checks.live.api import Prometheus
from stackctl.checks.live.page import scrapes

if TYPE_CHECKING:
    from stackctl.catalogue.metric import Catalogue
    from stackctl.checks.report import Report
    from stackctl.checks.subject import Subject


def check_gateway(report: Report, catalogue: Catalogue, url: str, token: str, count: int) -> None:
    """Compare a running gateway with a catalogue over `count` scrapes; raises UnavailableError."""
    pages = scrapes(url, token, count)
    found = [
        *missing_metric.examine(pages, catalogue, url),
        *extra_metric.examine(pages, catalogue, url),
        *label_drift.examine(pages, catalogue, url),
        *counter_fell.examine(pages, url),
    ]
    report.add(f"{url} against {catalogue.line}", f"{count} scrapes", found)


def check_prometheus(report: Report, subject: Subject, url: str) -> None:
    """Evaluate every alert's parts now; raises UnavailableError."""
    with Prometheus(url) as prometheus:
        report.add(f"{len(subject.alerts)} alerts", url, list(no_series.examine(subject, prometheus)))


def check_panels(report: Report, subject: Subject, url: str) -> None:
    """Run every panel's queries now; raises UnavailableError."""
    queries = sum(1 for item in subject.expressions if item.panel is not None)
    with Prometheus(url) as prometheus:
        report.add(f"{queries} panel queries", url, list(empty_panel.examine(subject, prometheus)))
