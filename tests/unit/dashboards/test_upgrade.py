"""What a change of the engine's version would break in the dashboards, against what is rendered for both."""

from __future__ import annotations

from stackctl.catalogue.diff import diff_catalogues
from stackctl.catalogue.load import load_catalogue
from stackctl.render.dashboards.upgrade import broken_panels
from tests.command import stackctl

NEW, OLD = "litellm-1.102", "litellm-1.87"


def test_a_panel_breaks_with_its_series_and_with_a_label_it_is_split_by() -> None:
    found = broken_panels(diff_catalogues(load_catalogue(NEW), load_catalogue(OLD)))
    gone = "llm:requests_remaining_per_limit:ratio is gone"
    assert found["Providers & limits: Left of the rate limit"] == gone
    assert found["Overview: Requests per second by model and provider"] == "llm:requests:rate5m loses provider"
    assert "Overview: Firing alerts" not in found
    assert "Errors & fallbacks: Errors per 100 requests by provider" not in found


def test_a_panel_breaks_with_a_series_of_the_engines_own() -> None:
    found = broken_panels(diff_catalogues(load_catalogue("bundled"), load_catalogue(NEW)))
    assert found["Gateway internals: Version"] == "litellm_gateway_info is gone"


def test_nothing_breaks_between_a_line_and_itself() -> None:
    same = load_catalogue(NEW)
    assert broken_panels(diff_catalogues(same, same)) == {}


def test_the_command_names_rules_alerts_and_panels() -> None:
    done = stackctl("catalogue", "diff", NEW, OLD)
    assert done.code == 1
    lines = done.out.splitlines()
    assert "BROKEN   rule llm:requests_remaining_per_limit:ratio" in lines
    assert "NARROWED rule llm:requests:rate5m loses provider" in lines
    assert "BROKEN   alert LitellmRateLimitHeadroom" in lines
    assert any(line.startswith("BROKEN   panel Providers & limits: Left of the rate limit: ") for line in lines)
