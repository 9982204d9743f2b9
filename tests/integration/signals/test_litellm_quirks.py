"""The recording rules cope with what LiteLLM's series do (quirks.py)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.integration.signals.quirks import GROUPS, promtool_tests
from tests.integration.signals.test_rendered_tests import GENERATIONS, LITELLM, rendered


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(tmp_path_factory.mktemp("quirks"), LITELLM % "1.102.4")


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("group", GROUPS)
def test_the_recording_rules_cope_with_each_quirk(bundle: Path, group: str, generation: str) -> None:
    file = bundle / "tests" / f"quirks-{group}-{generation}.yml"
    file.write_text(yaml.safe_dump(promtool_tests(group, f"../rules/{group}.yml")))
    command = [str(GENERATIONS[generation]().promtool), "test", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
