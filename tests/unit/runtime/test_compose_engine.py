"""An engine must see the files it is told to mount."""

from __future__ import annotations

from pathlib import Path

import pytest
from docker.client import DockerClient

from stackctl.errors import ToolMissingError, UnavailableError
from stackctl.runtime.compose import engine as engine_module
from stackctl.runtime.compose.engine import Engine, find_engine


def engine(host: str) -> Engine:
    return Engine(Path("docker"), host, "27.0.0", "2.40.0", DockerClient(base_url="tcp://127.0.0.1:1", version="1.41"))


@pytest.mark.parametrize("host", ["unix:///run/docker.sock", "tcp://127.0.0.1:2375", "tcp://localhost:2375"])
def test_an_engine_of_this_machine_will_do(host: str) -> None:
    engine(host).require_same_files()


@pytest.mark.parametrize("host", ["tcp://build.example:2375", "ssh://me@far.example"])
def test_one_of_another_machine_is_refused_by_its_name(host: str) -> None:
    with pytest.raises(UnavailableError, match="another machine's") as refused:
        engine(host).require_same_files()
    assert host in refused.value.message


def test_a_docker_command_that_hangs_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = tmp_path / "docker"
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o755)
    monkeypatch.setenv("STACKCTL_DOCKER", str(hanging))
    monkeypatch.setattr(engine_module, "_COMMAND_S", 0.2)
    with pytest.raises(UnavailableError, match="`docker compose version` gives no answer within") as refused:
        find_engine()
    assert not isinstance(refused.value, ToolMissingError)
