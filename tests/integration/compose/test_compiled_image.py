"""The image that is built from an installation with compiled modules, on a real engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.compiled import compiled_packages

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.compose.conftest import ComposeStack

# Compiling alone takes more than a minute.
pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("docker"), pytest.mark.slow]

COMPILED_PROCESSES = """
import glob
print(sum("gateway__mypyc" in open(path).read() for path in glob.glob("/proc/[0-9]*/maps")))
"""


def test_its_gateway_runs_compiled_and_is_proven(
    new_stack: Callable[[str], ComposeStack], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(compiled_packages()))
    made = new_stack("compiled")
    started = made.run("up")
    assert started.code == 0, started.err
    assert "building stackctl/stackctl:" in started.err
    # Master, accountant, exporter and two workers.
    assert made.inside("gateway", "python", "-c", COMPILED_PROCESSES).strip() == "5"
    proven = made.run("validate")
    assert proven.code == 0, proven.err
    assert "proven" in proven.out
