"""A gateway whose short way is compiled, as in a wheel: `make test-compiled` runs all of these tests against one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.compiled import compiled_packages
from tests.integration.gateway.running import Running

CHECKOUT = Path(__file__).parents[3]
HERE = Path(__file__).parent
# What leaves the short way in every manner, and forty agents whose provider dies.
PARTS = (HERE / "test_short_way.py", HERE / "routing" / "test_outage.py")

# Compiling alone takes more than a minute.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("compiled")]


@pytest.fixture(scope="module")
def compiled() -> Path:
    return compiled_packages()


@pytest.mark.timeout(600)
def test_its_workers_run_compiled_code(compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(compiled))
    with Running(tmp_path, workers=2) as gateway:
        assert gateway.chat(gateway.key(key_alias="a")).status_code == 200
        assert gateway.process is not None
        for process in psutil.Process(gateway.process.pid).children():
            assert "gateway__mypyc" in Path(f"/proc/{process.pid}/maps").read_text()
        gateway.until(lambda: gateway.total("litellm_requests_total") == 1, "it is counted")


@pytest.mark.timeout(600)
def test_it_passes_what_the_sources_pass(compiled: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, PARTS)]
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env=environment | {"PYTHONPATH": str(compiled)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
