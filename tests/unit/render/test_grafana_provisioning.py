"""What the stand-in for Grafana refuses of a rendered bundle, so that its starting says something."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
RENDERED = TESTS / "golden" / "compose" / "out" / "grafana"


def refusal(bundle: Path, password: str = "chosen") -> str:
    """The last words of the stand-in, started on a bundle with something wrong."""
    (bundle / "admin-password").write_text(password)
    (bundle / "prometheus-password").write_text("of-prometheus")
    environment = {
        "GF_PATHS_PROVISIONING": str(bundle / "provisioning"),
        "GF_SECURITY_ADMIN_PASSWORD__FILE": str(bundle / "admin-password"),
    }
    done = subprocess.run(
        [sys.executable, TESTS / "docker" / "grafana.py"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | environment,
    )
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The rendered provisioning with the paths it has in the container turned into paths of here."""
    copy = tmp_path / "grafana"
    shutil.copytree(RENDERED, copy)
    for file in (copy / "provisioning").rglob("*.yaml"):
        text = file.read_text()
        assert "/etc/stack" in text or "/run/secrets" in text
        file.write_text(text.replace("/etc/stack", str(copy)).replace("/run/secrets", str(copy)))
    return copy


def change(directory: Path, old: str, new: str) -> None:
    file = next(path for path in sorted(directory.rglob("*")) if path.is_file() and old in path.read_text())
    file.write_text(file.read_text().replace(old, new, 1))


def test_a_data_source_with_another_uid_than_the_dashboards_ask(bundle: Path) -> None:
    change(bundle / "provisioning", "uid: stackctl-prometheus", "uid: another")
    assert "asks the data sources ['stackctl-prometheus'], and there are ['another']" in refusal(bundle)


def test_two_dashboards_of_one_uid(bundle: Path) -> None:
    change(bundle / "dashboards", '"stackctl-overview"', '"stackctl-cost"')
    assert "has no title or uid of its own" in refusal(bundle)


def test_a_provider_that_finds_nothing(bundle: Path) -> None:
    shutil.rmtree(bundle / "dashboards")
    assert "no provider finds a dashboard" in refusal(bundle)


def test_a_secret_file_that_is_not_there(bundle: Path) -> None:
    change(bundle / "provisioning", "/prometheus-password}", "/nowhere}")
    assert "No such file" in refusal(bundle)


def test_the_password_that_everybody_knows(bundle: Path) -> None:
    assert "the admin password is the default one" in refusal(bundle, password="admin")
