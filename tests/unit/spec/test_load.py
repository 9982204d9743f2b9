"""A spec is either valid or every fault has a position and a remedy."""

from __future__ import annotations

import pytest

from stackctl.errors import SpecError, UsageError
from stackctl.spec import Duration, load_spec, parse_spec
from stackctl.spec.explain import explain_field

MODELS = "models:\n  - name: m\n    deployments: [{provider: mock, model: m}]\n"
HEAD = f"version: 1\nname: acme\n{MODELS}"


def faults(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    return [str(problem) for problem in caught.value.problems]


def test_the_smallest_spec_has_the_documented_defaults() -> None:
    spec = parse_spec(HEAD).spec
    assert (spec.gateway.port, spec.gateway.workers, spec.gateway.database.pool_size) == (4000, 2, 50)
    assert (str(spec.prometheus.scrape_interval), str(spec.prometheus.retention)) == ("15s", "7d")


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("gatway: {}\n", "stack.yaml:6:1: unknown field 'gatway' (did you mean 'gateway'?)"),
        (
            "prometheus: {scrape_interval: 5s}\n",
            "stack.yaml:6:31: prometheus.scrape_interval: 5s is below the floor of 15s: faster scraping under load costs samples and disk",
        ),
        (
            "prometheus: {scrape_timeout: 20s}\n",
            "stack.yaml:6:30: prometheus.scrape_timeout: 20s is longer than scrape_interval 15s",
        ),
        ("gateway: {port: abc}\n", "stack.yaml:6:17: gateway.port: 'abc' is not a whole number"),
        ("gateway: {port: 9090}\n", "stack.yaml:1:1: prometheus.port: port 9090 is taken by gateway.port already"),
        (
            "prometheus: {retention: 7}\n",
            "stack.yaml:6:25: prometheus.retention: 7 has no unit: write it like 15s, 5m or 7d",
        ),
        ("teams: [{name: a}, {name: a}]\n", "stack.yaml:6:27: teams[1].name: 'a' is declared twice"),
        (
            "teams: [{name: stackctl-test-1}]\n",
            "stack.yaml:6:16: teams[0].name: names starting with stackctl-test- are reserved for proofs",
        ),
        ("keys: [{name: k, team: x, secret: 'env:K'}]\n", "stack.yaml:6:24: keys[0].team: team 'x' is not declared"),
        ("name: twice\n", "stack.yaml:6:1: 'name' is given twice (correct the YAML at this place)"),
        (
            "gateway: {proxy: 'http://me:pa55@proxy:3128'}\n",
            "stack.yaml:6:18: gateway.proxy: must be `direct`, a URL like http://proxy:3128 (also https, socks5, socks5h) without a password, or a reference to one with it (env:NAME or file:path)",
        ),
        (
            "gateway: {engine: litellm, version: 1.82.7}\n",
            "stack.yaml:6:37: gateway.version: LiteLLM 1.82.7 is refused: the package of this release was replaced by an attacker on 2026-03-24",
        ),
        (
            "gateway: {engine: litellm, version: 1.107.0}\n",
            "stack.yaml:6:37: gateway.version: LiteLLM 1.107.0 is refused: compromised on 2026-10-21, and a signing key was used on it, so that a valid signature does not clear it",
        ),
        (
            "gateway: {engine: litellm, version: '1.107'}\n",
            "stack.yaml:6:37: gateway.version: LiteLLM 1.107 is refused: compromised on 2026-10-21, and a signing key was used on it, so that a valid signature does not clear it",
        ),
        (
            "gateway: {engine: litellm, proxy: 'http://proxy:3128'}\n",
            "stack.yaml:6:35: gateway.proxy: only the bundled gateway has it; LiteLLM would pass it over",
        ),
        (
            "gateway: {database: {url: 'x'}}\n",
            "stack.yaml:6:27: gateway.database.url: a secret must be a reference, not the secret itself: write env:NAME or file:path",
        ),
    ],
)
def test_a_fault_names_its_place_and_what_to_do(extra: str, expected: str) -> None:
    assert faults(HEAD + extra) == [expected]


def test_every_fault_is_reported_at_once_in_order() -> None:
    found = faults(
        "version: 1\nname: acme\nmodel: []\nprometheus: {retention: x}\n" + MODELS + "gateway: {workers: 0}\n"
    )
    assert [line.split(":")[1] for line in found] == ["3", "4", "8"]


@pytest.mark.parametrize(
    "secret", ["sk-very-secret", "postgresql://u:hunter2@db/x", "https://hooks.slack.com/services/T0/B0/x"]
)
def test_a_literal_secret_is_refused_and_never_repeated(secret: str) -> None:
    text = (
        f"version: 1\nname: acme\nmodels:\n  - name: m\n"
        f"    deployments: [{{provider: openai, model: m, api_key: '{secret}'}}]\n"
        f"gateway: {{database: {{url: '{secret}'}}, metrics: {{token: '{secret}'}}}}\n"
        f"alerts: {{receivers: {{slack: {{webhook: '{secret}', channel: '#x'}}}}}}\n"
    )
    found = faults(text)
    assert len(found) == 4
    assert not any(secret in line for line in found)


def test_broken_yaml_names_the_line() -> None:
    assert faults("version: 1\nname: [\n")[0].startswith("stack.yaml:3:1: ")


@pytest.mark.parametrize("text", ["", "- a\n", "just text\n", "version: 1\n", "version: 2\n" + HEAD[11:]])
def test_no_text_gives_a_traceback(text: str) -> None:
    assert faults(text)


def test_a_missing_file_says_what_to_do(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError) as caught:
        load_spec(tmp_path / "stack.yaml")
    assert "init" in caught.value.remedy


@pytest.mark.parametrize(("text", "seconds"), [("15s", 15), ("1h30m", 5400), ("7d", 604800), ("500ms", 0.5), ("0", 0)])
def test_durations_have_prometheus_notation(text: str, seconds: float) -> None:
    assert Duration(text).seconds == seconds


@pytest.mark.parametrize("text", ["", "15", "s", "5 m", "-5m", "1m1h"])
def test_other_notations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        Duration(text)


def test_every_field_that_has_a_reason_explains_it() -> None:
    for name in ("prometheus.scrape_interval", "prometheus.retention", "gateway.database.pool_size", "gateway.workers"):
        assert len(explain_field(name)[0]["explanation"]) > 40


def test_explaining_an_unknown_field_suggests_a_known_one() -> None:
    with pytest.raises(UsageError) as caught:
        explain_field("prometheus.scrape_intervall")
    assert "prometheus.scrape_interval" in caught.value.remedy
