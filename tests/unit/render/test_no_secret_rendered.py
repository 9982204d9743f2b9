"""No secret reaches a rendered file, whatever the runtime and the engine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stackctl.checks.secrets import secret_references
from stackctl.render import render_bundle
from stackctl.render.compose import services
from stackctl.runtime.compose.staging import make_missing_secrets, secret_digests, stage_secrets, staged
from stackctl.spec import Secret, load_spec
from stackctl.stack import StackDir

SPECS = sorted((Path(__file__).parents[2] / "golden").glob("*/stack.yaml"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.parent.name)
def test_no_secret_is_in_a_rendered_file(spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = StackDir(tmp_path)
    shutil.copytree(spec.parent, tmp_path, dirs_exist_ok=True)
    source = load_spec(stack.spec)
    planted = []
    for number, (_, reference) in enumerate(secret_references(source)):
        secret, value = Secret(reference, tmp_path), f"planted-secret-number-{number}"
        if secret.is_file:
            secret.path.parent.mkdir(exist_ok=True)
            secret.path.write_text(value)
        else:
            monkeypatch.setenv(secret.name, value)
        planted.append(value)
    assert planted
    texts = [content.decode() for content in render_bundle(source).files.values()]
    assert not [value for value in planted if any(value in text for text in texts)]


def test_staged_secrets_can_be_read_by_containers_and_by_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = StackDir(tmp_path)
    shutil.copy(next(path for path in SPECS if path.parent.name == "compose"), stack.spec)
    spec = load_spec(stack.spec).spec
    stack.state.mkdir()
    stack.secrets.mkdir(mode=0o700)
    for name in ("gateway-master-key", "metrics-token", "anthropic", "slack-webhook"):
        (stack.secrets / name).write_text(f"{name}-value\n")
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-openai")
    monkeypatch.setenv("AM_PASSWORD", "pass-of-alertmanager")
    assert set(secret_digests(stack, spec)) == {f"STACKCTL_SECRETS_{name.upper()}" for name in services(spec)}
    assert list(stack.state.iterdir()) == [], "a plan writes nothing"
    assert make_missing_secrets(stack, spec) == ["grafana-password", "redis-password", "prometheus-password"]
    assert all(
        (stack.secrets / name).stat().st_mode & 0o777 == 0o600 for name in ("redis-password", "prometheus-password")
    )
    first = stage_secrets(stack, spec)
    assert staged(stack).stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in staged(stack).iterdir()} == {0o444}
    assert (staged(stack) / "OPENAI_API_KEY").read_text() == "key-of-openai"
    assert (staged(stack) / "prometheus-web").read_text().startswith("basic_auth_users:\n  admin: '$2b$")
    assert stage_secrets(stack, spec) == first, "nothing changed, so nothing is recreated"
    (stack.secrets / "anthropic").write_text("another")
    planned = secret_digests(stack, spec)
    assert (staged(stack) / "anthropic").read_text() == "anthropic-value", "a container may have it mounted"
    second = stage_secrets(stack, spec)
    assert second == planned
    assert {name for name in first if first[name] != second[name]} == {"STACKCTL_SECRETS_GATEWAY"}
    assert not [value for value in second.values() if "value" in value or "another" in value]
