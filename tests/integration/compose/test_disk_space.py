"""What the doctor says of volumes that it cannot measure, by a real engine's own answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackctl.runtime.compose.disk import compose_data_directories
from stackctl.runtime.compose.engine import find_engine
from stackctl.runtime.compose.project import PROJECT, SERVICE, Project
from stackctl.spec import parse_spec
from stackctl.stack import StackDir
from tests.docker.standins import image_name

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docker.engine import DockerEngine

# One engine for all: with --dist loadgroup these tests stay in one process. A marker given by a conftest comes too late.
pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("docker")]
SPEC = "version: 1\nname: bare\nruntime: compose\nmodels: [{name: m, deployments: [{provider: mock, model: m}]}]\n"


def test_an_image_without_df_and_a_part_that_does_not_run_are_told(engine: DockerEngine, tmp_path: Path) -> None:
    labels = (f"{PROJECT}=bare", f"{SERVICE}=prometheus")
    options = [word for label in labels for word in ("--label", label)]
    # With such a PATH the engine finds no df, as in an image that has none.
    options += ["--entrypoint", "/bin/sleep", "--env", "PATH=/nowhere", "--network", "none"]
    container = engine.docker("run", "--detach", *options, image_name("prometheus"), "600")
    found = find_engine()
    try:
        places = compose_data_directories(Project(found, StackDir(tmp_path), "bare"), parse_spec(SPEC).spec)
    finally:
        found.close()
        engine.docker("rm", "--force", container)
    assert {place.part: place.disk for place in places} == {"prometheus": None, "gateway": None}
    reasons = {place.part: place.reason for place in places}
    assert "`df`" in reasons["prometheus"]
    assert "executable file not found" in reasons["prometheus"]
    assert reasons["gateway"] == "its container does not run, so that nobody can ask in it"
