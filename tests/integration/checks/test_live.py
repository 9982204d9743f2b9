"""Checks that ask a running gateway and a running Prometheus."""

from __future__ import annotations

from pathlib import Path

from tests.command import stackctl
from tests.integration.checks.conftest import Scraped
from tests.unit.checks.subjects import dashboard


def explained(scraped: Scraped, name: str) -> tuple[str, str, dict[str, int]]:
    done = stackctl("alerts", "explain", name, "--prometheus", scraped.prometheus, "--json")
    assert done.code == 0, done.err
    (rule,) = done.envelope["data"]["rules"]
    return rule["state"], rule["cause"], {part["expr"]: part["series"] for part in rule["parts"]}


def test_the_running_gateway_is_what_its_catalogue_says(scraped: Scraped) -> None:
    done = stackctl("check", "--catalogue", "bundled", "--live", scraped.gateway, "--json", "--fail-on", "warning")
    assert done.envelope["problems"] == []
    assert done.code == 0


def test_another_catalogue_is_told_apart_from_the_running_gateway(scraped: Scraped) -> None:
    done = stackctl("check", "--catalogue", "litellm-1.102", "--live", scraped.gateway, "--json")
    found = {(problem["id"], problem["target"]) for problem in done.envelope["problems"]}
    assert ("live/missing-metric", "litellm_proxy_total_requests_metric_total") in found
    assert ("live/extra-metric", "litellm_requests_total") in found


def test_a_firing_alert_has_no_cause_for_silence(scraped: Scraped) -> None:
    state, cause, parts = explained(scraped, "Busy")
    assert (state, cause) == ("firing", "")
    assert min(parts.values()) >= 1


def test_sides_that_never_meet_are_named_with_their_labels(scraped: Scraped) -> None:
    state, cause, parts = explained(scraped, "NeverMeets")
    assert state == "inactive"
    assert cause.startswith("no labels match: only the left has provider; only the right has model; left has {")
    assert parts["sum by (provider) (rate(litellm_requests_total[1m]))"] >= 1


def test_the_empty_side_is_named_with_the_values_there_are(scraped: Scraped) -> None:
    state, cause, _ = explained(scraped, "NoSuchTeam")
    assert state == "inactive"
    assert cause.startswith('no series of litellm_requests_total has team="nobody"')


def test_a_condition_that_does_not_hold_names_the_values_there_are(scraped: Scraped) -> None:
    assert explained(scraped, "Quiet")[1] == "no value passes `>`: they lie between 0 and 0"


def test_an_unknown_alert_and_a_dead_prometheus_are_one_line_each(scraped: Scraped) -> None:
    wrong = stackctl("alerts", "explain", "Quite", "--prometheus", scraped.prometheus)
    assert (wrong.code, wrong.err.count("\n"), "did you mean Quiet?" in wrong.err) == (2, 1, True)
    dead = stackctl("alerts", "explain", "Quiet", "--prometheus", "http://127.0.0.1:9")
    assert (dead.code, dead.err.count("\n")) == (3, 1)


def test_people_see_a_tree_of_parts(scraped: Scraped) -> None:
    out = stackctl("alerts", "explain", "NeverMeets", "--prometheus", scraped.prometheus).out
    assert out.startswith("NeverMeets is inactive\n")
    assert "It does not fire because: no labels match" in out


def test_check_names_the_alerts_that_cannot_fire_as_things_are(scraped: Scraped) -> None:
    done = stackctl(
        "check", scraped.rules, scraped.config, "--catalogue", "bundled", "--prometheus", scraped.prometheus, "--json"
    )
    found = {problem["target"] for problem in done.envelope["problems"] if problem["id"] == "live/no-series"}
    assert found == {"NoSuchTeam", "NeverMeets"}


def test_empty_panels_are_listed_with_the_reason(scraped: Scraped, tmp_path: Path) -> None:
    variable = {"name": "model", "type": "query", "multi": True, "query": "label_values(litellm_requests_total, model)"}
    full = 'sum by (model) (rate(litellm_requests_total{model=~"${model:regex}"}[$__range]))'
    empty = 'sum(litellm_requests_total{model=~"$model", status="599"})'
    (tmp_path / "d.json").write_text(dashboard(full, empty, variables=[variable]))
    done = stackctl(
        "check", tmp_path / "d.json", "--catalogue", "bundled", "--prometheus", scraped.prometheus, "--panels", "--json"
    )
    (found,) = [problem for problem in done.envelope["problems"] if problem["id"] == "live/empty-panel"]
    assert found["target"] == "d/P1"
    assert found["message"].startswith('no data: no series of litellm_requests_total has status="599"')
