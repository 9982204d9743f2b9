"""A config error is one line that names the file, the field and what is wrong, and never a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.__main__ import main
from gateway.config import load
from gateway.config.proxy import proxy_of
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


DIRECT = {"http": "http://corp:1", "https": "corp:2", "no": "internal.example,.lan,10.0.0.5,special:8443"}


@pytest.mark.parametrize(
    ("url", "own", "shared", "expected"),
    [
        ("https://api.openai.com/v1", None, None, "http://corp:2"),
        ("http://models.example/v1", None, None, "http://corp:1"),
        ("https://api.openai.com/v1", None, "http://shared:3", "http://shared:3"),
        ("https://api.openai.com/v1", None, "direct", None),
        ("https://api.openai.com/v1", "http://own:4", "http://shared:3", "http://own:4"),
        ("https://api.openai.com/v1", "direct", "http://shared:3", None),
        ("https://a.internal.example/v1", None, "http://shared:3", None),
        ("https://gpu.lan", None, None, None),
        ("http://10.0.0.5:8000/v1", None, None, None),
        ("https://special:8443/v1", None, None, None),
        ("https://special/v1", None, None, "http://corp:2"),
        ("http://localhost:11434/v1", None, "http://shared:3", None),
        ("http://127.0.0.9/v1", None, None, None),
        ("http://[::1]:8000/v1", None, None, None),
        ("http://127.0.0.1/v1", "http://own:4", None, "http://own:4"),
    ],
)
def test_the_proxy_that_holds(url: str, own: str | None, shared: str | None, expected: str | None) -> None:
    assert proxy_of(url, own, shared, DIRECT) == expected


@pytest.mark.parametrize(
    ("host", "direct"),
    [
        ("10.255.0.1", True),
        ("11.0.0.1", False),
        ("172.16.5.4", True),
        ("172.16.6.1", False),
        ("192.168.1.77", True),
        ("192.168.2.1", False),
        ("198.51.100.7", True),
        ("198.51.100.8", False),
        ("[fd12::5]", True),
        ("[fe12::5]", False),
        ("[2001:db8::1]", True),
        ("[2001:db8::2]", False),
        ("[2001:db8::9]", True),
        ("[::ffff:10.0.0.1]", True),
        ("[::a00:1]", False),
        # A name is not resolved, and one that begins like a network is none of it.
        ("10.example", False),
        ("10.0.0.0.example", False),
        ("api.openai.com", False),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_networks_of_no_proxy_hold_for_addresses(host: str, direct: bool, scheme: str) -> None:
    # 192.168.1.9/24 has bits of a host; the last three are no networks and must not spoil the others.
    listed = "10.0.0.0/8, 172.16.5.0/24,192.168.1.9/24,198.51.100.7,fd00::/8,2001:db8::1/128,[2001:db8::9]"
    environment = {"http": "http://corp:1", "https": "http://corp:1", "no": f"{listed},10.0.0.0/33,/8,lan/8"}
    expected = None if direct else "http://corp:1"
    assert proxy_of(f"{scheme}://{host}/v1", None, None, environment) == expected
    assert proxy_of(f"{scheme}://{host}:8443/v1", None, None, environment) == expected
    assert proxy_of(f"{scheme}://{host}/v1", None, "http://corp:1", environment) == expected
    # What a deployment says itself goes first.
    assert proxy_of(f"{scheme}://{host}/v1", "http://own:4", None, environment) == "http://own:4"


@pytest.mark.parametrize(
    "proxy", ["ftp://p:1", "proxy:3128", "http://", "http://p:port", "http://p/path", "http://me:pa55@p:1"]
)
def test_what_is_no_proxy_is_refused_and_not_repeated(tmp_path: Path, proxy: str) -> None:
    (line,) = problems(write(tmp_path, proxy=proxy))
    assert "proxy: " in line
    assert "file:path" in line
    assert "pa55" not in line
    (tmp_path / "proxy").write_text(proxy)
    if "pa55" not in proxy:
        (line,) = problems(write(tmp_path, proxy="file:proxy"))
        assert "proxy: what file:proxy holds" in line


def test_every_deployment_gets_the_proxy_that_holds_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGRESS", "http://me:pa55@egress:3128")
    deployments = [
        {"id": "far", "provider": "openai", "model": "m"},
        {"id": "near", "provider": "ollama", "model": "m"},
        {"id": "own", "provider": "openai", "model": "m", "proxy": "socks5h://other:1080"},
        DEPLOYMENT,
    ]
    found = load(write(tmp_path, proxy="env:EGRESS", models=[{"name": "m", "deployments": deployments}])).models[0]
    assert [d.proxy for d in found.deployments] == ["http://me:pa55@egress:3128", None, "socks5h://other:1080", None]
    (line,) = problems(write(tmp_path, models=[{"name": "m", "deployments": [{**DEPLOYMENT, "proxy": "direct"}]}]))
    assert "no `proxy` of its own" in line
    monkeypatch.setenv("HTTPS_PROXY", "http://:0x")
    (line,) = problems(write(tmp_path))
    assert "HTTPS_PROXY" in line


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


@pytest.mark.parametrize("url", ["mysql://u:hidden@h/db", "postgresql://u:hidden@h:port/db", "u:hidden@h", "hidden"])
def test_a_database_url_that_can_never_work_is_an_error_that_does_not_repeat_it(tmp_path: Path, url: str) -> None:
    (tmp_path / "url").write_text(url)
    (line,) = problems(write(tmp_path, database={"url": "file:url"}))
    assert "gateway.yaml: database.url: " in line
    assert "hidden" not in line


def test_a_password_of_any_characters_is_part_of_a_database_url(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://u:%2F%40%3A@h:5433/db?sslmode=require")
    assert load(write(tmp_path, database={"url": "file:url"})).database.url.startswith("postgresql://u:")
