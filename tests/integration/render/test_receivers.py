"""Every kind of receiver, judged by old and new amtool: what is written, where alerts go, what is kept back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from stackctl.errors import SpecError
from stackctl.render import render_bundle
from stackctl.spec import parse_spec
from tests.real_parts import newer_parts, stable_parts

SPEC = """
version: 1
name: receivers
models: [{name: m, deployments: [{provider: mock, model: m}]}]
"""
SLACK = "slack: {webhook: 'file:secrets/slack', channel: '#x'}"
OLD = "webhook: {url: 'http://n8n.local/hook', token: 'file:secrets/token'}"
EMAIL = "email: {to: [ops@acme.example], from: a@acme.example, smarthost: 'mail:587', username: u, password: 'file:secrets/mail'}"
PAGER = "pagerduty: {routing_key: 'file:secrets/pager', severities: [critical]}"
NEW = "webhook: {url_file: 'file:secrets/hook'}"
TEAMS = "teams: {webhook: 'file:secrets/teams'}"
GENERATIONS = {"stable": stable_parts, "newer": newer_parts}


def spec(version: str, *receivers: str) -> str:
    listed = "\n".join(f"    {receiver}" for receiver in receivers)
    return f'{SPEC}alertmanager: {{version: "{version}"}}\nalerts:\n  receivers:\n{listed}\n'


def written(directory: Path, text: str) -> Path:
    for path, content in render_bundle(parse_spec(text)).files.items():
        if path.startswith("alertmanager/"):
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_bytes(content)
    return directory / "alertmanager/alertmanager.yml"


def amtool(generation: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(GENERATIONS[generation]().amtool), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_oldest_alertmanager_knows_every_field_of_its_receivers(generation: str, tmp_path: Path) -> None:
    config = written(tmp_path, spec("0.25", SLACK, OLD, EMAIL, PAGER))
    done = amtool(generation, "check-config", config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 receivers" not in done.stdout
    assert "6 receivers" in done.stdout


def test_what_only_a_newer_one_knows_is_rendered_for_it(tmp_path: Path) -> None:
    config = written(tmp_path, spec("0.28", SLACK, NEW, EMAIL, PAGER, TEAMS))
    assert amtool("newer", "check-config", config).returncode == 0
    assert amtool("stable", "check-config", config).returncode != 0


@pytest.mark.parametrize(("receiver", "needs"), [(TEAMS, "0.28"), (NEW, "0.26")])
def test_what_the_declared_version_does_not_know_is_refused(receiver: str, needs: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec(spec("0.25", receiver))
    assert needs in refused.value.problems[0].message


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (["alertname=LitellmGatewayDown", "severity=critical"], "slack,email,pagerduty"),
        (["alertname=LitellmHighErrorRate", "severity=warning"], "slack,email"),
        (["alertname=LitellmHighErrorRate", "severity=warning", "stackctl_test=0a1b"], "inbox"),
        (["alertname=LitellmHighErrorRate", "severity=warning", "stackctl_test=0a1b-slack"], "slack"),
        (["alertname=Watchdog", "severity=none"], "watchdog"),
    ],
)
def test_each_alert_reaches_the_receivers_that_want_its_severity(
    labels: list[str], receivers: str, tmp_path: Path
) -> None:
    config = written(tmp_path, spec("0.25", SLACK, EMAIL, PAGER))
    done = amtool(
        "stable", "config", "routes", "test", f"--config.file={config}", f"--verify.receivers={receivers}", *labels
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_alert_no_receiver_wants_goes_to_the_inbox(tmp_path: Path) -> None:
    config = written(tmp_path, spec("0.25", PAGER))
    labels = ["alertname=LitellmLowCacheHitRate", "severity=info"]
    done = amtool("stable", "config", "routes", "test", f"--config.file={config}", "--verify.receivers=inbox", *labels)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_secret_is_written_and_each_is_read_from_its_file(tmp_path: Path) -> None:
    config = yaml.safe_load(written(tmp_path, spec("0.28", SLACK, NEW, EMAIL, PAGER, TEAMS)).read_text())
    by_name = {receiver["name"]: receiver for receiver in config["receivers"]}
    assert by_name["slack"]["slack_configs"][0]["api_url_file"] == "../secrets/slack"
    assert by_name["webhook"]["webhook_configs"][0]["url_file"] == "../secrets/hook"
    assert by_name["email"]["email_configs"][0]["auth_password_file"] == "../secrets/mail"
    assert by_name["pagerduty"]["pagerduty_configs"][0]["routing_key_file"] == "../secrets/pager"
    assert by_name["teams"]["msteamsv2_configs"][0]["webhook_url_file"] == "../secrets/teams"


def test_inhibition_names_only_alerts_that_are_rendered_and_never_proofs(tmp_path: Path) -> None:
    off = "  rules: {LitellmProviderDown: {enabled: false}}\n"
    config = yaml.safe_load(written(tmp_path, spec("0.25", SLACK) + off).read_text())
    text = yaml.safe_dump(config["inhibit_rules"])
    assert "LitellmProviderDown" not in text
    assert "LitellmBudgetGaugeBroken" not in text
    for rule in config["inhibit_rules"]:
        assert rule["equal"][0] == "stack"
        assert 'stackctl_test=""' in rule["source_matchers"]
        assert 'stackctl_test=""' in rule["target_matchers"]
        sources, targets = (set(rule[f"{side}_matchers"][0].split('"')[1].split("|")) for side in ("source", "target"))
        assert not sources & targets
