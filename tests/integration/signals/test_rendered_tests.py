"""The promtool tests that are rendered with the rules: they pass with old and new promtool, and they can fail."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from stackctl.checks.rule_tests import alert_tests, run_tests
from stackctl.render import render_bundle
from stackctl.spec import parse_spec
from tests.real_parts import newer_parts, stable_parts

GENERATIONS = {"stable": stable_parts, "newer": newer_parts}
SPEC = """
version: 1
name: tested
models: [{name: gpt-4o, deployments: [{provider: openai, model: gpt-4o}]}]
"""
LITELLM = "gateway: {engine: litellm, version: %s}\n"
CHANGED = """
prometheus: {scrape_interval: 30s, retention: 2d}
alerts:
  rules:
    LitellmKeyBudget80: {threshold: 0.6, severity: critical}
    LitellmTeamBudget100: {threshold: 0.9, for: 3m}
    LitellmSpendBurnFast: {threshold: 0.5}
    LitellmBudgetForecast: {threshold: 7}
    LitellmHighErrorRate: {threshold: 0.2, for: 2m, floor: 500, labels: {page: "yes"}}
    LitellmErrorBudgetBurnFast: {threshold: 0.95, floor: 300}
    LitellmErrorBudgetBurnSlow: {threshold: 0.99}
    LitellmHighP99Latency: {threshold: 7, for: 1m}
    LitellmSlowOutputTokens: {threshold: 0.03}
    LitellmLowCacheHitRate: {threshold: 0.6}
    LitellmRateLimitHeadroom: {threshold: 0.5, for: 5m}
    LitellmFallbacksFailing: {threshold: 0.8}
    LitellmLedgerBacklog: {threshold: 50}
    LitellmProviderCredentialFailure: {threshold: 5}
    PrometheusNotificationsFailing: {threshold: 3}
"""
CASES = [
    ("bundled", "", "stable"),
    ("bundled", "", "newer"),
    ("litellm-1.102", LITELLM % "1.102.4", "stable"),
    ("litellm-1.102", LITELLM % "1.102.4", "newer"),
    ("litellm-1.87", LITELLM % "1.87.0", "newer"),
    ("litellm-1.109", LITELLM % "1.109.1", "newer"),
    ("bundled changed", CHANGED, "stable"),
    ("litellm-1.102 changed", LITELLM % "1.102.4" + CHANGED, "newer"),
]
_passed: dict[str, set[str]] = {generation: set() for generation in GENERATIONS}
"""Rules with tests that passed already: the lines of LiteLLM share most of theirs."""


@cache
def files_of(more: str) -> dict[str, bytes]:
    """Prometheus' rules and their tests in the bundle of a spec."""
    files = render_bundle(parse_spec(SPEC + more)).files
    return {path: text for path, text in files.items() if path.startswith(("prometheus/rules/", "prometheus/tests/"))}


def rendered(directory: Path, more: str) -> Path:
    """The rules and their tests on disk; returns Prometheus' part of the bundle."""
    for path, content in files_of(more).items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    return directory / "prometheus"


def failing(files: Mapping[str, bytes], generation: str) -> list[str]:
    """The alerts whose tests fail."""
    cases = [case for case in alert_tests(files) if case.key not in _passed[generation]]
    problems = run_tests(GENERATIONS[generation]().promtool, cases)
    if not problems:
        _passed[generation] |= {case.key for case in cases}
    return [problem.message for problem in problems]


@pytest.mark.parametrize(("name", "more", "generation"), CASES, ids=[f"{c[0]} {c[2]}" for c in CASES])
def test_every_alert_passes_its_rendered_tests(name: str, more: str, generation: str) -> None:
    files = files_of(more)
    assert len(alert_tests(files)) >= 30
    assert failing(files, generation) == []


@pytest.mark.parametrize("generation", GENERATIONS)
def test_promtool_takes_the_rendered_files_as_they_are(generation: str, tmp_path: Path) -> None:
    tests = rendered(tmp_path, "") / "tests"
    files = [str(path) for name in ("cache", "cost", "gateway", "limits") for path in tests.glob(f"{name}-*.yml")]
    command = [str(GENERATIONS[generation]().promtool), "test", "rules", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=230)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("SUCCESS") == len(files) >= 4


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("errors", "rate(litellm_upstream_attempts_total[5m])", "rate(litellm_upstream_attempt_total[5m])"),
        ("errors", '{status!~"2..|400|404|413|422|499"}', '{status!~"2.."}'),
        ("errors", "> 0.05", "> 0.5"),
        ("errors", ">= 10", ">= 1"),
        ("cache", ":rate5m) * 300 >= 50", ":rate5m) * 300 >= 0"),
        ("limits", "< 0.2", "<= 0.3"),
        ("budget", 'ratio{key!=""} >= 0.8', 'ratio{key=""} >= 0.8'),
        ("latency", "by (le, model, stackctl_test)", "by (model, stackctl_test)"),
        ("gateway", "absent(litellm_gateway_info)", "absent(litellm_gateway_information)"),
        ("monitoring", 'job=~"prometheus|alertmanager"', 'job=~"prometheus"'),
    ],
)
def test_a_rule_that_is_broken_in_one_place_fails_its_tests(file: str, right: str, wrong: str) -> None:
    files = {path: text for path, text in files_of("").items() if Path(path).name.startswith(file)}
    rules = f"prometheus/rules/{file}.yml"
    assert right.encode() in files[rules]
    assert failing(files, "stable") == []
    assert failing(files | {rules: files[rules].replace(right.encode(), wrong.encode())}, "stable")
