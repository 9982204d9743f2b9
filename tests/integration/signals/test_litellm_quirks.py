"""What LiteLLM's series do that rules must cope with, each as a promtool test of the rendered recording rules.

Source: the series of LiteLLM 1.102.4 with two workers, and the issues named in stackctl/catalogue/signals/litellm.yaml.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.signals.test_rendered_tests import GENERATIONS, LITELLM, rendered

KEY = 'hashed_api_key="h",api_key_alias="ci"'
REMAINING, MAXIMUM = "litellm_remaining_api_key_budget_metric", "litellm_api_key_max_budget_metric"
USED, ALLOWED = "litellm_api_key_rate_limit_used_metric", "litellm_api_key_rate_limit_allowed_metric"


def series(name: str, labels: str, values: str) -> dict[str, str]:
    return {"series": f"{name}{{{labels}}}", "values": values}


CASES: dict[str, tuple[str, list[dict[str, str]], str, list[dict[str, Any]]]] = {
    "a dead worker's budget does not count while a live one's moves": (
        "budget",
        [
            series(REMAINING, f'{KEY},pid="1"', "2+0x60"),
            series(MAXIMUM, f'{KEY},pid="1"', "100+0x60"),
            series(REMAINING, f'{KEY},pid="2"', "90-0.5x60"),
            series(MAXIMUM, f'{KEY},pid="2"', "100+0x60"),
        ],
        "llm:budget_used:ratio",
        [{"labels": 'llm:budget_used:ratio{key="ci"}', "value": 0.35}],
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
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(tmp_path_factory.mktemp("quirks"), LITELLM % "1.102.4")


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("group", sorted({case[0] for case in CASES.values()}))
def test_the_recording_rules_cope_with_each_quirk(bundle: Path, group: str, generation: str) -> None:
    tests = {
        "rule_files": [f"../rules/{group}.yml"],
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
    file = bundle / "tests" / f"quirks-{group}-{generation}.yml"
    file.write_text(yaml.safe_dump(tests))
    command = [str(GENERATIONS[generation]().promtool), "test", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
