"""A panel that shows nothing, though there has been traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.live.explain import cause_of, explain
from stackctl.problem import Severity
from stackctl.promql import QueryError, parse_query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.artefacts import Dashboard
    from stackctl.checks.live.api import Prometheus
    from stackctl.checks.subject import Expression, Subject
    from stackctl.problem import Problem

CHECK = Check(
    "live/empty-panel",
    Severity.WARNING,
    "The panel says “No data”, which looks like no traffic.",
    "send traffic that the panel shows, or correct its query",
)


def examine(subject: Subject, prometheus: Prometheus) -> Iterator[Problem]:
    """Every query of every panel, its variables filled in as a fresh dashboard has them, run now."""
    inside = {dashboard.file: _values(dashboard, prometheus) for dashboard in subject.artefacts.dashboards}
    for item in subject.expressions:
        if item.panel is None or item.dashboard is None:
            continue
        reason = _emptiness(item, inside[item.dashboard.file], subject.scrape_s, prometheus)
        if reason:
            yield CHECK.problem(f"no data: {reason}", item.placed.at(0), item.target)


def _emptiness(item: Expression, inside: dict[str, str], scrape_s: float, prometheus: Prometheus) -> str:
    assert item.dashboard is not None  # noqa: S101 the caller asks for panels only
    try:
        query = parse_query(item.placed.text, {**inside, **item.dashboard.values()}, scrape_s, inside)
    except QueryError as error:
        return str(error)
    if prometheus.instant(query.text):
        return ""
    return cause_of(explain(query, prometheus))


def _values(dashboard: Dashboard, prometheus: Prometheus) -> dict[str, str]:
    """What each variable holds when the dashboard is opened: all for a multi-value one, else its first value."""
    found: dict[str, str] = {}
    for variable in dashboard.variables:
        if variable.multi:
            found[variable.name] = ".*"
        elif variable.label:
            match = variable.query.text.strip() if variable.query else ""
            options = prometheus.label_values(variable.label, match if "$" not in match else "")
            found[variable.name] = options[0] if options else ".*"
        else:
            found[variable.name] = variable.value or ".*"
    return found
