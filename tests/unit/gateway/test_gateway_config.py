"""A config error is one line that names the file, the field and what is wrong, and never a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.__main__ import main
from gateway.config import load
from gateway.errors import ConfigError

DEPLOYMENT = {"id": "d0", "provider": "mock", "model": "m"}


def write(directory: Path, **changes: Any) -> Path:
    (directory / "master-key").write_text("sk-master\n")
    config: dict[str, Any] = {
        "version": 1,
        "instance": "test",
        "master_key": "file:master-key",
        "models": [{"name": "m", "deployments": [DEPLOYMENT]}],
    }
    config.update(changes)
    path = directory / "gateway.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in config.items() if v is not ...}))
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return list(caught.value.problems)


def test_defaults_and_resolved_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTREAM", "sk-up")
    deployment = {"id": "o", "provider": "openai", "model": "gpt-4o", "api_key": "env:UPSTREAM"}
    config = load(write(tmp_path, models=[{"name": "gpt", "deployments": [deployment]}]))
    assert config.master_key == "sk-master"
    assert config.models[0].deployments[0].api_key == "sk-up"
    assert (config.listen.host, config.listen.port, config.workers) == ("127.0.0.1", 4000, 2)


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"wrokers": 2}, "wrokers", "unknown field"),
        ({"workers": 0}, "workers", "greater than or equal to 1"),
        ({"version": 2}, "version", "1"),
        ({"models": []}, "models", "at least 1"),
        ({"master_key": ...}, "master_key", "required"),
        ({"master_key": "file:nowhere"}, "master_key", "cannot read"),
        ({"master_key": "env:NOT_SET_HERE"}, "master_key", "not set"),
        ({"listen": {"port": 70000}}, "listen.port", "65535"),
        (
            {"models": [{"name": "m", "deployments": [{**DEPLOYMENT, "rpm": 0}]}]},
            "models[0].deployments[0].rpm",
            "greater",
        ),
        (
            {"models": [{"name": "m", "fallbacks": ["x"], "deployments": [DEPLOYMENT]}]},
            "models m",
            "'x' is not",
        ),
        (
            {"models": [{"name": "m", "deployments": [{"id": "d", "provider": "acme", "model": "x"}]}]},
            "models[0].deployments[0]",
            "api_base",
        ),
        (
            {"teams": [{"name": "a", "budget": {"usd": 5, "period": "soon"}}]},
            "teams[0].budget.period",
            "duration",
        ),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_field(
    tmp_path: Path, changes: dict[str, Any], field: str, reason: str
) -> None:
    path = write(tmp_path, **changes)
    (line,) = problems(path)
    assert line.startswith(f"{path}: ")
    assert field in line
    assert reason in line


def test_a_secret_file_may_be_in_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").write_text("sk-at-home")
    assert load(write(tmp_path, master_key="file:~/mine")).master_key == "sk-at-home"


def test_a_literal_secret_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (line,) = problems(write(tmp_path, master_key="sk-very-secret"))
    assert "master_key" in line
    assert "env:NAME or file:path" in line
    assert "sk-very-secret" not in line


def test_broken_yaml_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("version: 1\nmodels: [\n")
    (line,) = problems(path)
    assert line.startswith(f"{path}:3:1: not YAML")


def test_the_command_exits_2_with_the_line_and_0_when_all_is_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--config", str(write(tmp_path, wrokers=1))]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "wrokers: unknown field" in error
    assert main(["check", "--config", str(write(tmp_path))]) == 0
    assert main(["serve", "--config", str(tmp_path / "none.yaml"), "--state", str(tmp_path / "s")]) == 2
    assert not (tmp_path / "s").exists()
