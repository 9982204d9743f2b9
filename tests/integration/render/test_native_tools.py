"""What Prometheus' and Alertmanager's own tools, old and new, say of every golden bundle."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.real_parts import newer_parts, stable_parts

GOLDEN = Path(__file__).parents[2] / "golden"
BUNDLES = sorted(path.parent for path in GOLDEN.glob("*/out/manifest.json"))
GENERATIONS = {"stable": stable_parts, "newer": newer_parts}


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.parent.name)
def test_promtool_accepts_the_configuration_and_every_rule(bundle: Path, generation: str) -> None:
    promtool = GENERATIONS[generation]().promtool
    accepts(promtool, "check", "config", "--syntax-only", bundle / "prometheus/prometheus.yml")
    rules = sorted((bundle / "prometheus/rules").glob("*.yml"))
    assert rules
    accepts(promtool, "check", "rules", *rules)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.parent.name)
def test_amtool_accepts_the_configuration_and_its_templates(bundle: Path, generation: str) -> None:
    accepts(GENERATIONS[generation]().amtool, "check-config", bundle / "alertmanager/alertmanager.yml")


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=LitellmKeyBudget80", "severity=warning"], "slack"),
        (["alertname=LitellmKeyBudget80", "stackctl_test=0a1b2c3d"], "inbox"),
        (["alertname=LitellmKeyBudget80", "stackctl_test=0a1b2c3d-slack"], "slack"),
        (["alertname=Watchdog"], "watchdog"),
    ],
)
def test_each_alert_is_routed_to_the_receiver_it_is_meant_for(labels: list[str], receiver: str) -> None:
    config = GOLDEN / "full/out/alertmanager/alertmanager.yml"
    accepts(
        stable_parts().amtool,
        "config",
        "routes",
        "test",
        f"--config.file={config}",
        f"--verify.receivers={receiver}",
        *labels,
    )


def accepts(tool: Path, *arguments: object) -> None:
    done = subprocess.run([str(tool), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
