"""What goes into our own image."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import stackctl
from stackctl.resources import data_dir
from stackctl.runtime.compose.context import write_context

SHARED = "gateway__mypyc.cpython-311-x86_64-linux-gnu.so"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The context's `app`, of an installation with compiled modules that no Python can load."""
    installed, checkout = tmp_path / "site-packages", Path(stackctl.__file__).parents[1]
    for package in ("stackctl", "gateway"):
        shutil.copytree(checkout / package, installed / package, ignore=shutil.ignore_patterns("__pycache__"))
    (installed / SHARED).touch()
    suffix = subprocess.run(
        [sys.executable, "-c", "import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    (installed / "gateway" / f"outbox{suffix}").touch()
    monkeypatch.setattr(stackctl, "__file__", str(installed / "stackctl" / "__init__.py"))
    monkeypatch.setattr("stackctl.runtime.compose.context.data_dir", lambda name: checkout / name)
    write_context(tmp_path / "context")
    return tmp_path / "context" / "app"


def test_compiled_modules_come_along(app: Path) -> None:
    assert (app / SHARED).exists()
    assert [*app.glob("gateway/outbox.*.so")]


def test_an_image_that_cannot_load_them_uses_the_sources(app: Path) -> None:
    lines = (data_dir("templates") / "compose" / "Dockerfile").read_text().replace("\\\n", "").splitlines()
    (step,) = (line.removeprefix("RUN ") for line in lines if "gateway__mypyc" in line)
    step = step.replace("/tree/app", str(app)).replace("python -P", f"{sys.executable} -P")
    done = subprocess.run(["sh", "-c", step], capture_output=True, text=True, check=True)
    assert "the sources are used" in done.stdout
    assert not [*app.rglob("*.so")]
    assert (app / "gateway" / "outbox.py").exists()
    again = subprocess.run(["sh", "-c", step], capture_output=True, text=True, check=True)
    assert (again.stdout, again.stderr) == ("", "")
