"""What LiteLLM's series do that rules must cope with, each as a promtool test of the rendered recording rules.

Source: the series of LiteLLM 1.102.4 with two workers, and the issues named in stackctl/catalogue/signals/litellm.yaml.
"""

from __future__ import annotations

from typing import Any

KEY = 'hashed_api_key="h",api_key_alias="ci"'
TEAM = 'team="1",team_alias="t"'
REMAINING, MAXIMUM = "litellm_remaining_api_key_budget_metric", "litellm_api_key_max_budget_metric"
USED, ALLOWED = "litellm_api_key_rate_limit_used_metric", "litellm_api_key_rate_limit_allowed_metric"


def series(name: str, labels: str, values: str) -> dict[str, str]:
    return {"series": f"{name}{{{labels}}}", "values": values}


CASES: dict[str, tuple[str, list[dict[str, str]], str, list[dict[str, Any]]]] = {
    "a dead worker's budget does not count while a live one's moves": (
        "budget",
        [
            series(REMAINING, f'{KEY},pid="1"', "2+0x60"),
            series(MAXIMUM, f'{KEY},pid="1"', "500+0x60"),
            series(REMAINING, f'{KEY},pid="2"', "90-0.5x60"),
            series(MAXIMUM, f'{KEY},pid="2"', "100+0x60"),
        ],
        'label_replace({__name__=~"llm:budget_(usd:limit|usd:spent|used:ratio)"}, "of", "$1", "__name__", "(.*)")',
        [
            {"labels": 'llm:budget_usd:limit{key="ci",of="llm:budget_usd:limit"}', "value": 100},
            {"labels": 'llm:budget_usd:spent{key="ci",of="llm:budget_usd:spent"}', "value": 35},
            {"labels": 'llm:budget_used:ratio{key="ci",of="llm:budget_used:ratio"}', "value": 0.35},
        ],
    ),
    "several live workers are one budget, the one that is furthest": (
        "budget",
        [
            series(REMAINING, f'{KEY},pid="1"', "91-0.5x60"),
            series(MAXIMUM, f'{KEY},pid="1"', "100+0x60"),
            series(REMAINING, f'{KEY},pid="2"', "90-0.5x60"),
            series(MAXIMUM, f'{KEY},pid="2"', "100+0x60"),
        ],
        "llm:budget_used:ratio",
        [{"labels": 'llm:budget_used:ratio{key="ci"}', "value": 0.35}],
    ),
    "an infinite budget is no budget": (
        "budget",
        [series(REMAINING, KEY, "Inf+0x60"), series(MAXIMUM, KEY, "Inf+0x60")],
        "llm:budget_used:ratio or llm:budget_usd:limit or llm:budget_broken:bool",
        [],
    ),
    "an infinite rest of a finite budget is reported, not divided": (
        "budget",
        [series(REMAINING, KEY, "Inf+0x60"), series(MAXIMUM, KEY, "100+0x60")],
        "llm:budget_used:ratio or llm:budget_broken:bool",
        [{"labels": 'llm:budget_broken:bool{key="ci"}', "value": 1}],
    ),
    "a limit of 2^63 is no limit": (
        "limits",
        [
            series(USED, f'{KEY},rate_limit_type="requests",pid="1"', "1+1x60"),
            series(ALLOWED, f'{KEY},rate_limit_type="requests",pid="1"', "9223372036854775807+0x60"),
        ],
        "llm:requests_remaining_per_limit:ratio",
        [],
    ),
    "a rate limit that nobody used for minutes is not low for ever": (
        "limits",
        [
            series(USED, f'{KEY},rate_limit_type="requests",pid="1"', "90+0.1x10 91+0x50"),
            series(ALLOWED, f'{KEY},rate_limit_type="requests",pid="1"', "100+0x60"),
        ],
        "llm:requests_remaining_per_limit:ratio",
        [],
    ),
    "the text None is no label, and unbounded labels are summed away": (
        "slo",
        [
            series(
                "litellm_proxy_total_requests_metric_total",
                f'requested_model="m",team_alias="None",api_key_alias="None",api_provider="openai",'
                f'status_code="200",client_ip="10.0.0.{client}",user_agent="a{client}"',
                "0+60x60",
            )
            for client in (1, 2)
        ],
        "llm:requests:rate5m",
        [{"labels": 'llm:requests:rate5m{model="m",provider="openai",status="200"}', "value": 2}],
    ),
    "a request without a status counts as failed": (
        "slo",
        [series("litellm_proxy_total_requests_metric_total", 'requested_model="m",status_code="None"', "0+60x60")],
        "llm:requests_failed:rate5m",
        [{"labels": 'llm:requests_failed:rate5m{model="m"}', "value": 1}],
    ),
    "input and output tokens are one signal with a label": (
        "cost",
        [
            series("litellm_input_tokens_metric_total", 'requested_model="m",api_key_alias="ci"', "0+60x60"),
            series("litellm_output_tokens_metric_total", 'requested_model="m",api_key_alias="ci"', "0+120x60"),
        ],
        "llm:tokens:rate5m",
        [
            {"labels": 'llm:tokens:rate5m{model="m",key="ci",token_type="input"}', "value": 1},
            {"labels": 'llm:tokens:rate5m{model="m",key="ci",token_type="output"}', "value": 2},
        ],
    ),
    "the id of a proof is cut out of the key": (
        "slo",
        [
            series(
                "litellm_proxy_total_requests_metric_total",
                'requested_model="m",api_key_alias="stackctl-test-0a1b",status_code="500"',
                "0+60x60",
            )
        ],
        'llm:requests:rate5m{stackctl_test="0a1b"}',
        [
            {
                "labels": 'llm:requests:rate5m{model="m",key="stackctl-test-0a1b",status="500",stackctl_test="0a1b"}',
                "value": 1,
            }
        ],
    ),
    "a scrape is not a request in flight": (
        "gateway",
        [series("litellm_in_flight_requests", "", "1+0x60")],
        "llm:in_flight:sum",
        [{"labels": "llm:in_flight:sum{}", "value": 0}],
    ),
    "a request that found no deployment is an attempt at nobody": (
        "errors",
        [
            series("litellm_deployment_total_requests_total", 'requested_model="m"', "0+60x60"),
            series("litellm_deployment_total_requests_total", 'requested_model="m",api_provider="None"', "0+60x60"),
            series("litellm_deployment_failure_responses_total", 'requested_model="m"', "0+60x60"),
            series("litellm_deployment_failure_responses_total", 'requested_model="m",api_provider="None"', "0+60x60"),
        ],
        "llm:attempts:rate5m or llm:attempts:total or llm:errors:rate5m or llm:errors:total or llm:provider_up:min",
        [],
    ),
    "a provider that nobody asked lately is neither up nor down": (
        "errors",
        [
            series("litellm_deployment_total_requests_total", 'requested_model="m",api_provider="openai"', "9+0x60"),
            series("litellm_deployment_success_responses_total", 'requested_model="m",api_provider="openai"', "9+0x60"),
        ],
        "llm:provider_up:min",
        [],
    ),
    "a budget of nothing is no budget": (
        "budget",
        [series(REMAINING, KEY, "-5-1x60"), series(MAXIMUM, KEY, "0+0x60")],
        "llm:budget_used:ratio or llm:budget_usd:limit or llm:budget_usd:spent or llm:budget_broken:bool",
        [],
    ),
    "an infinite rest of a budget of nothing is not reported": (
        "budget",
        [series(REMAINING, KEY, "Inf+0x60"), series(MAXIMUM, KEY, "0+0x60")],
        "llm:budget_broken:bool",
        [],
    ),
    "a dead worker's budget has no next start while a live one's moves": (
        "budget",
        [
            series(REMAINING, f'{KEY},pid="1"', "2+0x60"),
            series("litellm_api_key_budget_remaining_hours_metric", f'{KEY},pid="1"', "1+0x60"),
            series(REMAINING, f'{KEY},pid="2"', "90-0.5x60"),
            series("litellm_api_key_budget_remaining_hours_metric", f'{KEY},pid="2"', "5+0x60"),
        ],
        "llm:budget_reset_in:seconds",
        [{"labels": 'llm:budget_reset_in:seconds{key="ci"}', "value": 18000}],
    ),
    "a dead worker's team budget does not count while a live one's moves": (
        "budget",
        [
            series("litellm_remaining_team_budget_metric", f'{TEAM},pid="1"', "2+0x60"),
            series("litellm_team_max_budget_metric", f'{TEAM},pid="1"', "500+0x60"),
            series("litellm_team_budget_remaining_hours_metric", f'{TEAM},pid="1"', "1+0x60"),
            series("litellm_remaining_team_budget_metric", f'{TEAM},pid="2"', "90-0.5x60"),
            series("litellm_team_max_budget_metric", f'{TEAM},pid="2"', "100+0x60"),
            series("litellm_team_budget_remaining_hours_metric", f'{TEAM},pid="2"', "5+0x60"),
        ],
        'label_replace({__name__=~"llm:budget_(usd:.*|used:ratio|reset_in:seconds)"}, "of", "$1", "__name__", "(.*)")',
        [
            {"labels": 'llm:budget_usd:limit{team="t",of="llm:budget_usd:limit"}', "value": 100},
            {"labels": 'llm:budget_usd:spent{team="t",of="llm:budget_usd:spent"}', "value": 35},
            {"labels": 'llm:budget_used:ratio{team="t",of="llm:budget_used:ratio"}', "value": 0.35},
            {"labels": 'llm:budget_reset_in:seconds{team="t",of="llm:budget_reset_in:seconds"}', "value": 18000},
        ],
    ),
    "a team's budget of nothing is no budget, whatever is left of it": (
        "budget",
        [
            series("litellm_remaining_team_budget_metric", 'team="1",team_alias="t"', "-5-1x60"),
            series("litellm_team_max_budget_metric", 'team="1",team_alias="t"', "0+0x60"),
            series("litellm_remaining_team_budget_metric", 'team="2",team_alias="u"', "Inf+0x60"),
            series("litellm_team_max_budget_metric", 'team="2",team_alias="u"', "0+0x60"),
        ],
        "llm:budget_used:ratio or llm:budget_usd:limit or llm:budget_usd:spent or llm:budget_broken:bool",
        [],
    ),
    "a limit of nothing is no limit": (
        "limits",
        [
            series(USED, f'{KEY},rate_limit_type="requests",pid="1"', "1+1x60"),
            series(ALLOWED, f'{KEY},rate_limit_type="requests",pid="1"', "0+0x60"),
            series("litellm_team_rate_limit_used_metric", f'{TEAM},rate_limit_type="requests",pid="1"', "1+1x60"),
            series("litellm_team_rate_limit_allowed_metric", f'{TEAM},rate_limit_type="requests",pid="1"', "0+0x60"),
        ],
        "llm:requests_remaining_per_limit:ratio",
        [],
    ),
    "a team's rate limit that nobody used for minutes is not low for ever": (
        "limits",
        [
            series("litellm_team_rate_limit_used_metric", f'{TEAM},rate_limit_type="requests",pid="1"', "91+0x60"),
            series("litellm_team_rate_limit_allowed_metric", f'{TEAM},rate_limit_type="requests",pid="1"', "100+0x60"),
        ],
        "llm:requests_remaining_per_limit:ratio",
        [],
    ),
    "what a provider said is left long ago is not what is left": (
        "limits",
        [series("litellm_remaining_requests_metric", 'model_group="m",model_id="d",pid="1"', "50-1x10 40+0x50")],
        "llm:requests_remaining:min",
        [],
    ),
}
"""Name → rule group, input series, query after 50 minutes, expected samples."""
GROUPS = tuple(sorted({case[0] for case in CASES.values()}))


def promtool_tests(group: str, rules: str) -> dict[str, Any]:
    """The test file of one group, whose rules are in the file `rules`."""
    return {
        "rule_files": [rules],
        "evaluation_interval": "1m",
        "tests": [
            {
                "name": name,
                "interval": "1m",
                "input_series": inputs,
                "promql_expr_test": [{"expr": expr, "eval_time": "50m", "exp_samples": expected}],
            }
            for name, (of_group, inputs, expr, expected) in CASES.items()
            if of_group == group
        ],
    }
