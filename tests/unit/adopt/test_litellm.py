"""A spec from LiteLLM's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from stackctl.adopt import adopt_litellm
from stackctl.errors import UsageError
from stackctl.render.litellm import litellm_config, start_script
from stackctl.spec import parse_spec

if TYPE_CHECKING:
    from pathlib import Path

    from stackctl.adopt import Adopted

CONFIG = """
model_list:
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY, rpm: 500}
  - model_name: gpt-4o
    litellm_params: {model: azure/gpt-4o-eu, api_base: "https://eu.example.com", api_key: sk-literal-key-in-the-file}
  - model_name: local
    litellm_params: {model: openai/llama, api_base: "http://10.0.0.5/v1", api_key: none, input_cost_per_token: 0.0000001, output_cost_per_token: 0.0000002}
litellm_settings:
  callbacks: ["prometheus"]
  drop_params: true
router_settings:
  fallbacks: [{gpt-4o: [local]}]
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
  database_url: os.environ/DATABASE_URL
  database_connection_pool_limit: 10
guardrails: []
"""


def adopted(tmp_path: Path, text: str = CONFIG, **options: str) -> Adopted:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    return adopt_litellm(file, name="old", workers=4, version="1.102.4", runtime="compose", **options)


def test_models_deployments_prices_and_fallbacks_are_taken_over(tmp_path: Path) -> None:
    spec = parse_spec(adopted(tmp_path).text).spec
    assert [model.name for model in spec.models] == ["gpt-4o", "local"]
    assert [each.provider for each in spec.models[0].deployments] == ["openai", "azure"]
    assert spec.models[0].deployments[0].api_key == "env:OPENAI_API_KEY"
    assert spec.models[0].fallbacks == ["local"]
    price = spec.models[1].deployments[0].price
    assert price is not None
    assert (price.input_usd_per_million_tokens, price.output_usd_per_million_tokens) == (0.1, 0.2)
    assert spec.gateway.database.pool_size == 40, "the total: 10 for each of 4 workers"


def test_what_has_no_place_is_named_and_a_literal_key_is_not_copied(tmp_path: Path) -> None:
    result = adopted(tmp_path)
    told = [f"{problem.position.line} {problem.message}" for problem in result.problems]
    assert "sk-literal" not in result.text
    assert not [problem for problem in result.problems if "sk-literal" in str(problem)]
    assert told == [
        "6 a key stands in the file and was not copied",
        "11 litellm_settings.drop_params has no place in a spec",
        "18 guardrails has no place in a spec",
    ]


def test_the_way_there_and_back_keeps_the_models(tmp_path: Path) -> None:
    again = yaml.safe_load(litellm_config(parse_spec(adopted(tmp_path).text).spec))
    assert [(each["model_name"], each["litellm_params"].get("rpm")) for each in again["model_list"]] == [
        ("gpt-4o", 500),
        ("gpt-4o", None),
        ("local", None),
    ]
    assert again["router_settings"]["fallbacks"] == [{"gpt-4o": ["local"]}]
    assert again["general_settings"]["database_connection_pool_limit"] == 10


def test_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no model_list"):
        adopted(tmp_path, "services: {}\n")


def test_routing_timeouts_and_versions_go_there_and_back(tmp_path: Path) -> None:
    text = """
model_list:
  - model_name: gpt-4o
    litellm_params: {model: azure/eu, api_base: "https://eu.example.com", api_version: "2024-06-01", timeout: 30}
  - model_name: long
    litellm_params: {model: openai/gpt-4.1, api_key: os.environ/OPENAI_API_KEY}
litellm_settings: {num_retries: 1, allowed_fails: 5}
router_settings: {num_retries: 3, cooldown_time: 7.5, context_window_fallbacks: [{gpt-4o: [long]}]}
"""
    result = adopted(tmp_path, text)
    assert result.problems == []
    again = yaml.safe_load(litellm_config(parse_spec(result.text).spec))
    first = again["model_list"][0]["litellm_params"]
    assert (first["api_version"], first["timeout"]) == ("2024-06-01", 30)
    router = {
        "num_retries": 3,
        "allowed_fails": 5,
        "cooldown_time": 7.5,
        "context_window_fallbacks": [{"gpt-4o": ["long"]}],
    }
    assert router.items() <= again["router_settings"].items()


def test_headers_and_strategies_of_a_spec_reach_litellm() -> None:
    spec = parse_spec("""
version: 1
name: s
runtime: compose
gateway: {engine: litellm, routing: {strategy: priority}}
models:
  - name: m
    deployments:
      - {provider: openai, model: a, headers: {X-Token: "file:secrets/x", X-Plain: y}, priority: 0}
      - {provider: openai, model: b, priority: 1}
""").spec
    deployments = [entry["litellm_params"] for entry in yaml.safe_load(litellm_config(spec))["model_list"]]
    assert [each["order"] for each in deployments] == [1, 2]
    assert deployments[0]["extra_headers"] == {"X-Token": "os.environ/X", "X-Plain": "y"}
    assert 'X=$(cat "/run/secrets/x")' in start_script(spec)
