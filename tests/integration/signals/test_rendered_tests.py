"""The promtool tests that are rendered with the rules: they pass with old and new promtool, and they can fail."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

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
    ("bundled", "", "stable", "*"),
    ("bundled", "", "newer", "*"),
    ("litellm-1.102", LITELLM % "1.102.4", "stable", "*"),
    ("litellm-1.102", LITELLM % "1.102.4", "newer", "*"),
    ("litellm-1.87", LITELLM % "1.87.0", "newer", "*-30s"),
    ("litellm-1.109", LITELLM % "1.109.1", "newer", "*-30s"),
    ("bundled changed", CHANGED, "stable", "*"),
    ("litellm-1.102 changed", LITELLM % "1.102.4" + CHANGED, "newer", "*-30s"),
]


def rendered(directory: Path, more: str) -> Path:
    """The rules and their tests on disk; returns Prometheus' part of the bundle."""
    for path, content in render_bundle(parse_spec(SPEC + more)).files.items():
        if path.startswith(("prometheus/rules/", "prometheus/tests/")):
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_bytes(content)
    return directory / "prometheus"


def promtool(generation: str, prometheus: Path, files: str) -> subprocess.CompletedProcess[str]:
    tests = sorted((prometheus / "tests").glob(f"{files}.yml"))
    assert tests
    command = [str(GENERATIONS[generation]().promtool), "test", "rules", *map(str, tests)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=230)


@pytest.mark.parametrize(("name", "more", "generation", "files"), CASES, ids=[f"{c[0]} {c[2]}" for c in CASES])
def test_every_alert_passes_its_rendered_tests(
    name: str, more: str, generation: str, files: str, tmp_path: Path
) -> None:
    done = promtool(generation, rendered(tmp_path, more), files)
    assert done.returncode == 0, done.stdout + done.stderr


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
def test_a_rule_that_is_broken_in_one_place_fails_its_tests(file: str, right: str, wrong: str, tmp_path: Path) -> None:
    prometheus = rendered(tmp_path, "")
    rules = prometheus / "rules" / f"{file}.yml"
    text = rules.read_text()
    assert right in text
    rules.write_text(text.replace(right, wrong))
    done = promtool("stable", prometheus, f"{file}-30s")
    assert done.returncode != 0
    assert "FAILED" in done.stdout + done.stderr
