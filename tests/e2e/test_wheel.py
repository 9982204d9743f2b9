"""The wheel carries everything: installed into an empty environment it works away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


def run(*command: object, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(600)
def test_an_installed_wheel_renders_away_from_the_checkout(tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist", cwd=CHECKOUT)
    venv.create(tmp_path / "venv")
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    python = tmp_path / "venv/bin/python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", wheel, cwd=tmp_path)
    stackctl = tmp_path / "venv/bin/stackctl"
    run(stackctl, "init", "stack", "--demo", "--defaults", cwd=tmp_path)
    run(stackctl, "render", "-C", "stack", cwd=tmp_path)
    assert str(CHECKOUT) not in run(
        tmp_path / "venv/bin/python",
        "-c",
        "import stackctl, gateway; print(stackctl.__file__, gateway.__file__)",
        cwd=tmp_path,
    )
    rendered = {str(path.relative_to(tmp_path / "stack/bundle")) for path in (tmp_path / "stack/bundle").rglob("*.*")}
    assert {"prometheus/rules/budget.yml", "alertmanager/alertmanager.yml", "local/supervisord.conf"} <= rendered
    policies = "from stackctl.images.policy import shipped_policies; print(*shipped_policies())"
    assert "litellm" in run(tmp_path / "venv/bin/python", "-c", policies, cwd=tmp_path)
