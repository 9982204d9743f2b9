"""The dashboards as people wrote them: nothing in them may point at something that does not exist."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import promql_parser
import pytest

from stackctl.catalogue.alerts import load_alert_groups
from stackctl.catalogue.load import STACK, catalogue_lines, load_catalogue
from stackctl.catalogue.promql import selectors
from stackctl.catalogue.signals import load_signals
from stackctl.catalogue.signals.definition import canonical_signals
from stackctl.render.dashboards.definition import Definition, Panel, Query, load_definitions, load_variables
from stackctl.render.dashboards.promql import metrics_in, substitute

LINES = catalogue_lines()
UIDS = ("cache", "cost", "errors", "gateway", "latency", "overview", "providers")
# What the two guides ask for, as (dashboard, panel).
SEED_PANELS = (
    ("overview", "Requests per second by model and provider"),
    ("overview", "Tokens per hour"),
    ("cost", "Accumulated today, by model"),
    ("cost", "Accumulated today, by team"),
    ("cost", "Per day, by model"),
    ("cost", "Accumulated today, by key"),
    ("latency", "Percentiles of $model"),
    ("latency", "Time to first token by model"),
    ("latency", "Time per output token by model"),
    ("errors", "Errors per 100 requests by provider"),
    ("errors", "Fallback heat map"),
    ("errors", "Fallback success"),
    ("cache", "Hit rate"),
    ("providers", "Left of the rate limit"),
)


def all_panels() -> list[tuple[Definition, Panel]]:
    return [(d, panel) for d in load_definitions() for row in d.rows for panel in row.panels]


def all_queries() -> list[tuple[str, Query]]:
    return [(f"{d.title}: {panel.title}", query) for d, panel in all_panels() for query in panel.queries]


def known(line: str) -> set[str]:
    return {*load_signals(line).records, *load_catalogue(line).series, *load_catalogue(STACK).series}


def test_the_uids_are_the_ones_that_links_and_bookmarks_know() -> None:
    assert [d.uid for d in load_definitions()] == [f"stackctl-{name}" for name in UIDS]


@pytest.mark.parametrize(("dashboard", "title"), SEED_PANELS)
def test_every_panel_the_guides_ask_for_exists(dashboard: str, title: str) -> None:
    assert (f"stackctl-{dashboard}", title) in {(d.uid, panel.title) for d, panel in all_panels()}


def test_titles_are_unique_within_a_dashboard() -> None:
    for definition in load_definitions():
        titles = [panel.title for row in definition.rows for panel in row.panels]
        assert len(titles) == len(set(titles)), definition.title


@pytest.mark.parametrize(("where", "query"), all_queries(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_query_is_promql_over_metrics_that_some_engine_has(where: str, query: Query) -> None:
    everything = set().union(*(known(line) for line in LINES))
    assert metrics_in(query.expr) <= everything


@pytest.mark.parametrize(("where", "query"), all_queries(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_label_is_one_the_signal_has_by_its_definition(where: str, query: Query) -> None:
    labels: dict[str, set[str]] = {}
    for record in (record for line in LINES for record in load_signals(line).records.values()):
        labels.setdefault(record.record, set()).update({*record.labels, *canonical_signals()[record.signal].labels})
    for selector in selectors(substitute(query.expr)):
        assert selector.labels <= labels.get(selector.metric, selector.labels), selector.metric


@pytest.mark.parametrize(("where", "query"), all_queries(), ids=lambda value: value if isinstance(value, str) else "")
def test_counters_are_read_by_a_rate_and_rates_are_not_rated_again(where: str, query: Query) -> None:
    for name, function in selected(promql_parser.parse(substitute(query.expr))):
        if name.endswith(("_total", ":total")):
            assert function in ("rate", "increase"), name
        if name.endswith(":rate5m"):
            assert function not in ("rate", "irate", "increase", "delta"), name


def selected(node: Any, function: str = "") -> Iterator[tuple[str, str]]:
    """(metric, the function right around its range) of every selector."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node.name, function
    elif isinstance(node, promql_parser.MatrixSelector):
        yield from selected(node.vector_selector, function)
    elif isinstance(node, promql_parser.Call):
        for argument in node.args:
            yield from selected(argument, node.func.name)
    else:
        for child in ("expr", "lhs", "rhs", "param"):
            if getattr(node, child, None) is not None:
                yield from selected(getattr(node, child))


def test_thresholds_and_links_name_alerts_and_dashboards_that_exist() -> None:
    alerts = {a.name: a for group in load_alert_groups() for a in group.alerts}
    for _, panel in all_panels():
        assert set(panel.links) <= {d.uid for d in load_definitions()}
        for thresholds in (panel.thresholds, *(query.thresholds for query in panel.queries)):
            for entry in thresholds.at if thresholds else ():
                assert not isinstance(entry, str) or alerts[entry].threshold is not None, panel.title


def test_every_alert_leads_to_a_dashboard_that_exists() -> None:
    uids = {d.uid for d in load_definitions()}
    assert {alert.dashboard for group in load_alert_groups() for alert in group.alerts} <= uids


def test_every_variable_lists_the_values_of_a_label_that_both_engines_have() -> None:
    used = {name for d in load_definitions() for name in d.variables}
    assert used == set(load_variables())
    for variable in load_variables().values():
        metric, label = variable.values.removeprefix("label_values(").removesuffix(")").split(", ")
        for line in LINES:
            assert label in load_signals(line).records[metric].labels


@pytest.mark.parametrize(("definition", "panel"), all_panels(), ids=lambda value: value.title)
def test_a_query_uses_only_variables_of_its_dashboard(definition: Definition, panel: Panel) -> None:
    for query in panel.queries:
        for name in load_variables():
            assert f"${name}" not in query.expr or name in definition.variables, name


def test_every_unit_is_one_that_grafana_knows() -> None:
    units = json.loads((files("stackctl.catalogue") / "grafana_units.json").read_text())["units"]
    used = {unit for _, panel in all_panels() for unit in (panel.unit, *(q.unit for q in panel.queries)) if unit}
    assert used <= set(units)
    assert len(units) > 200
