"""What Grafana gets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackctl.catalogue.promql import selectors
from stackctl.catalogue.rules import resolve_rules
from stackctl.render.dashboards.definition import Thresholds
from stackctl.render.dashboards.fitting import fitted, unsplit
from stackctl.render.dashboards.promql import substitute
from stackctl.render.dashboards.thresholds import has_steps, steps
from stackctl.spec import parse_spec
from tests.unit.dashboards.bundles import ENGINES, dashboards, panels, rendered, spec_text

OVERRIDE = "alerts: {rules: {LitellmHighErrorRate: {threshold: 0.125, severity: critical}}}\n"
DISABLED = "alerts: {rules: {LitellmHighErrorRate: {enabled: false}}}\n"
ERRORS = "Errors per 100 requests by provider"


def of_every_dashboard() -> list[Any]:
    return [
        pytest.param(dashboard, id=f"{engine}-{uid}")
        for engine in ENGINES
        for uid, dashboard in dashboards(engine).items()
    ]


@pytest.mark.parametrize("dashboard", of_every_dashboard())
def test_panels_stand_side_by_side_without_overlap_or_hole(dashboard: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert all(x < 24 for x, _ in cells)
        taken |= cells
    assert {x for x, y in taken if y == 1} == set(range(24))
    assert [panel["id"] for panel in dashboard["panels"]] == list(range(1, len(dashboard["panels"]) + 1))


@pytest.mark.parametrize("dashboard", of_every_dashboard())
def test_every_panel_is_described_has_a_unit_and_reads_the_chosen_datasource(dashboard: dict[str, Any]) -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for title, panel in panels(dashboard).items():
        assert panel["description"].endswith("."), title
        assert panel["fieldConfig"]["defaults"]["unit"], title
        assert panel["fieldConfig"]["defaults"]["noValue"], title
        assert panel["datasource"] == chosen
        assert [target["refId"] for target in panel["targets"]] == list("ABCDEFG"[: len(panel["targets"])])
        assert all(target["datasource"] == chosen for target in panel["targets"])


@pytest.mark.parametrize("dashboard", of_every_dashboard())
def test_the_frame_of_a_dashboard(dashboard: dict[str, Any]) -> None:
    assert dashboard["schemaVersion"] == 39
    assert dashboard["editable"] is False
    assert "id" not in dashboard
    assert "version" not in dashboard
    assert "__inputs" not in dashboard
    assert len(dashboard["uid"]) <= 40
    first, *rest = dashboard["templating"]["list"]
    assert (first["name"], first["type"], first["current"]["value"]) == (
        "datasource",
        "datasource",
        "stackctl-prometheus",
    )
    assert all((v["refresh"], v["allValue"], v["includeAll"]) == (2, ".*", True) for v in rest)
    (link,) = dashboard["links"]
    assert (link["type"], link["tags"], link["keepTime"]) == ("dashboards", ["stackctl"], True)
    (marks,) = dashboard["annotations"]["list"]
    assert marks["expr"].startswith("ALERTS{")


@pytest.mark.parametrize("engine", ENGINES)
def test_the_importable_copy_differs_in_its_inputs_only(engine: str) -> None:
    provisioned, importable = dashboards(engine), dashboards(engine, copy="import")
    assert provisioned.keys() == importable.keys()
    for uid, content in importable.items():
        assert content.pop("__inputs")[0]["name"] == "DS_PROMETHEUS"
        assert {"panel", "datasource", "grafana"} == {part["type"] for part in content.pop("__requires")}
        assert content["templating"]["list"][0]["current"]["value"] == "${DS_PROMETHEUS}"
        content["templating"]["list"][0]["current"] = provisioned[uid]["templating"]["list"][0]["current"]
        assert content == provisioned[uid]


def test_thresholds_are_those_the_alerts_have_in_this_spec() -> None:
    def shown(more: str = "") -> list[dict[str, Any]]:
        panel = panels(dashboards(more=more)["stackctl-errors"])[ERRORS]
        return list(panel["fieldConfig"]["defaults"]["thresholds"]["steps"])

    green = {"color": "green", "value": None}
    assert shown() == [green, {"color": "orange", "value": 0.05}]
    assert shown(OVERRIDE) == [green, {"color": "red", "value": 0.125}]
    assert shown(DISABLED) == [green]


def test_the_cache_gauge_turns_at_30_and_70_percent() -> None:
    gauge = panels(dashboards()["stackctl-cache"])["Hit rate"]
    assert gauge["type"] == "gauge"
    marks = gauge["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [step["value"] for step in marks] == [None, 0.3, 0.7]
    assert marks[-1]["color"] == "green"


def test_where_small_values_are_bad_green_is_on_top() -> None:
    assert steps(Thresholds(bad="below", at=(0.7, 0.2)), {}) == [
        {"color": "orange", "value": None},
        {"color": "yellow", "value": 0.2},
        {"color": "green", "value": 0.7},
    ]
    assert not has_steps(Thresholds(bad="below", at=("NoSuchAlert",)), {})


@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_engine_cannot_supply_is_noted_and_not_rendered(engine: str) -> None:
    manifest = json.loads(rendered(engine).manifest)
    noted = [entry for entry in manifest["left_out"] if entry["kind"] == "panel"]
    shown = {f"{d['title']}: {title}" for d in dashboards(engine).values() for title in panels(d)}
    assert bool(noted) == (engine == "litellm")
    for entry in noted:
        assert entry["reason"]
        if entry["name"].count(": ") == 1:
            assert entry["name"] not in shown
    dead = "llm:loop_guard:rate5m" if engine == "litellm" else "llm:gateway_overhead_seconds_bucket:rate5m"
    files = rendered(engine).files
    recorded = b"".join(content for path, content in files.items() if path.startswith("prometheus/rules/"))
    used = b"".join(content for path, content in files.items() if path.startswith("grafana/"))
    assert (dead.encode() in used) == (f"record: {dead}\n".encode() in recorded)


@pytest.mark.parametrize("engine", ENGINES)
def test_no_query_narrows_by_a_label_that_the_engines_signal_lacks(engine: str) -> None:
    records = resolve_rules(parse_spec(spec_text(engine))).records
    for dashboard in dashboards(engine).values():
        for title, panel in panels(dashboard).items():
            for target in panel["targets"]:
                for selector in selectors(substitute(target["expr"])):
                    labels = records[selector.metric].labels if selector.metric in records else selector.labels
                    assert selector.labels <= set(labels), title


def test_a_choice_that_does_not_narrow_a_panel_is_told() -> None:
    expr, dropped = fitted('sum(a{x=~"$x", y=~"$y", z="1"}) / b{x=~"$x"} * c{y=~"$y"}', {"a": "yz", "b": ""})
    assert expr == 'sum(a{y=~"$y", z="1"}) / b{} * c{y=~"$y"}'
    assert dropped == {"x"}
    described = panels(dashboards("litellm")["stackctl-providers"])["Requests in flight"]["description"]
    assert "With this gateway, a choice of model does not narrow it." in described


def test_a_split_that_the_engine_does_not_make_is_neither_drawn_nor_promised() -> None:
    expr, legend = unsplit("sum by (le, x, y) (a) / sum by (x) (b)", "{{x}} · {{y}}", {"x"})
    assert (expr, legend) == ("sum by (le, y) (a) / sum(b)", "{{y}}")
    shown = panels(dashboards("litellm")["stackctl-providers"])
    (whole,) = shown["Requests in flight"]["targets"]
    assert (whole["expr"], whole["legendFormat"]) == ('sum(llm:in_flight:sum{stackctl_test=""})', "all")
    assert shown["Requests in flight"]["description"].endswith("This gateway does not tell it by model.")
    (split_by_model,) = panels(dashboards()["stackctl-providers"])["Requests in flight"]["targets"]
    assert split_by_model["legendFormat"] == "{{model}}"
    columns = shown["Limits"]["transformations"][1]["options"]["renameByName"]
    assert {"Provider", "Model", "Key", "Deployment"} <= set(columns.values())
    assert "Team" not in columns.values()


def test_a_table_joins_its_columns_in_the_order_they_were_written() -> None:
    table = panels(dashboards()["stackctl-cost"])["Spend by team, key and model"]
    merge, organize = table["transformations"]
    assert (merge["id"], organize["id"]) == ("merge", "organize")
    names, order = organize["options"]["renameByName"], organize["options"]["indexByName"]
    assert [names[field] for field in sorted(order, key=order.__getitem__)] == [
        "Team", "Key", "Model", "Provider", "Spend", "Tokens", "Answered",
    ]  # fmt: skip
    assert all(target["instant"] and target["format"] == "table" for target in table["targets"])


def test_grafanas_variables_get_values_and_label_replace_keeps_its_groups() -> None:
    expr = 'label_replace(increase(x{a=~"$model"}[$__rate_interval]), "b", "$1", "c", "${team:regex}")'
    assert substitute(expr, team="core") == 'label_replace(increase(x{a=~".*"}[1m]), "b", "$1", "c", "core")'
