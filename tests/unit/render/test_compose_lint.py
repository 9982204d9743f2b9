"""Every rendered Compose file of the golden specs by rules of our own; the Dockerfile by hadolint too."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackctl.resources import data_dir

GOLDEN = Path(__file__).parents[2] / "golden"
RENDERED = sorted(GOLDEN.glob("*/out/compose/compose.yaml"))
OUTWARD = {"gateway", "alertmanager"}
STORES = {"postgres", "redis"}
DOCKERFILE = (data_dir("templates") / "compose" / "Dockerfile").read_text()


def services() -> list[Any]:
    found = []
    for file in RENDERED:
        data = yaml.safe_load(file.read_text())
        found += [
            pytest.param(name, each, data, id=f"{data['name']}-{name}") for name, each in data["services"].items()
        ]
    return found


def test_both_engines_and_every_optional_service_are_among_the_golden_specs() -> None:
    names = {name for file in RENDERED for name in yaml.safe_load(file.read_text())["services"]}
    assert {"gateway", "grafana", "inbox", "postgres", "redis"} <= names
    assert len(RENDERED) >= 2


@pytest.mark.parametrize(("name", "service", "file"), services())
def test_a_service_is_hardened(name: str, service: dict[str, Any], file: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0
    assert service["pids_limit"] > 0
    assert {"mem_limit", "cpus", "healthcheck", "restart"} <= service.keys()
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert not {"container_name", "privileged", "network_mode", "pid", "cap_add"} & service.keys()
    assert not any("docker.sock" in str(volume) for volume in service.get("volumes", []))


@pytest.mark.parametrize(("name", "service", "file"), services())
def test_an_image_names_a_release(name: str, service: dict[str, Any], file: dict[str, Any]) -> None:
    assert re.search(r":v?\d+\.\d+", service["image"]), service["image"]


@pytest.mark.parametrize(("name", "service", "file"), services())
def test_a_service_reaches_no_more_than_it_must(name: str, service: dict[str, Any], file: dict[str, Any]) -> None:
    assert file["networks"]["data"] == {"internal": True}
    assert ("egress" in service["networks"]) == (name in OUTWARD)
    assert service["networks"] == ["data"] if name in STORES else "data" in service["networks"]
    for port in service.get("ports", []):
        opened = file["name"] == "on-compose" and name == "prometheus"  # its spec opens this one, with a password
        assert port["host_ip"] == ("0.0.0.0" if opened else "127.0.0.1")
    assert not (name in STORES and "ports" in service)


@pytest.mark.parametrize(("name", "service", "file"), services())
def test_every_secret_is_declared_and_comes_from_a_file(
    name: str, service: dict[str, Any], file: dict[str, Any]
) -> None:
    assert set(service.get("secrets", [])) <= file["secrets"].keys()
    assert all(each["file"].startswith("../../.stackctl/compose/secrets/") for each in file["secrets"].values())
    for variable, value in service.get("environment", {}).items():
        secret = re.search(r"PASSWORD|KEY|TOKEN|DATABASE_URL", variable)
        assert not secret or str(value).startswith("/run/secrets/"), variable


@pytest.mark.parametrize(("name", "service", "file"), services())
def test_a_healthcheck_names_no_secret_to_another_program(
    name: str, service: dict[str, Any], file: dict[str, Any]
) -> None:
    """What the shell puts into a program's arguments is in the process list of the host; `printf` is the shell itself."""
    test = service["healthcheck"]["test"]
    for found in re.finditer(r"\$\$\(cat /run/secrets/", " ".join(test)):
        before = re.split(r"[|;&]", " ".join(test)[: found.start()])[-1].split()
        assert test[0] == "CMD-SHELL"
        assert before[-1].endswith("=") or "printf" in before, test


@pytest.mark.parametrize(("name", "service", "file"), services())
def test_every_writable_place_is_a_named_volume_or_memory(
    name: str, service: dict[str, Any], file: dict[str, Any]
) -> None:
    for volume in service.get("volumes", []):
        source, _, mode = volume.partition(":")[0], *volume.rpartition(":")[1:]
        assert source in file["volumes"] or (source.startswith("../") and mode == "ro"), volume
    if "PROMETHEUS_MULTIPROC_DIR" in service.get("environment", {}):
        place = service["environment"]["PROMETHEUS_MULTIPROC_DIR"]
        assert any(entry.startswith(f"{place}:uid={service['user'].split(':')[0]},") for entry in service["tmpfs"])


def test_hadolint_has_nothing_to_say() -> None:
    hadolint, dockerfile = Path(sys.executable).with_name("hadolint"), data_dir("templates") / "compose" / "Dockerfile"
    done = subprocess.run([hadolint, "--no-color", dockerfile], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    broken = subprocess.run(
        [hadolint, "-"], input="FROM debian\nUSER root\n", capture_output=True, text=True, check=False
    )
    assert "DL3006" in broken.stdout, "it does look"


def test_the_dockerfile_ends_as_a_user_without_privileges_and_pins_what_it_installs() -> None:
    instructions = [line for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]
    words = [line.split()[0] for line in instructions]
    assert words.count("FROM") == 2, "built in one stage, run in another"
    users = [line.split()[1] for line in instructions if line.startswith("USER")]
    assert users == ["10001:10001"]
    assert "ADD" not in words
    assert "--no-deps" in DOCKERFILE, "every requirement is named with its version"
    assert "latest" not in DOCKERFILE
    assert not re.search(r"\b(sudo|curl|wget|apt-get)\b", DOCKERFILE)
    assert all(
        line.startswith(("ENTRYPOINT [", "CMD [")) for line in instructions if line.startswith(("ENTRYPOINT", "CMD"))
    )
    assert not re.search(r"(?i)(password|secret|token)\s*=", DOCKERFILE)
