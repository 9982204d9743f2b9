"""Every alert of the bundled gateway fires when its cause is really there, under a real Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.integration.alerts.answering import Answering
from tests.integration.alerts.stack import Senders, Stack, wait_until_free
from tests.integration.dashboards.asking import panel_queries, without_data
from tests.integration.dashboards.test_panels import EXPECTED_EMPTY
from tests.integration.signals.watched import until

OF_CONFIGURATIONS = {"PrometheusConfigReloadFailed", "AlertmanagerConfigReloadFailed"}
OF_ALERTMANAGER = {"PrometheusTargetDown", "PrometheusNotificationsFailing"}
OF_THE_GATEWAY = ["LitellmGatewayDown", "LitellmMetricsMissing"]
OF_THE_LEDGER = {"LitellmLedgerBacklog"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("provoked") / "stack") as running:
        yield running


def fires(stack: Stack, names: set[str]) -> None:
    try:
        until(lambda: names <= stack.fired(), "every provoked alert")
    except AssertionError:
        pytest.fail(f"silent: {sorted(names - stack.fired())}")


def test_every_alert_fires_when_provoked(stack: Stack) -> None:
    later = OF_CONFIGURATIONS | OF_ALERTMANAGER | set(OF_THE_GATEWAY) | OF_THE_LEDGER
    assert len(stack.alerts - later) > 25
    with closing(Senders(stack.url)):
        fires(stack, stack.alerts - later)
        for annotations in stack.api.firing().values():
            text = " ".join(annotations.values())
            assert "error expanding" not in text, text
            assert "<no value>" not in text, text
        # The panels that have no data while all is well.
        quiet = {name: query for name, query in panel_queries(stack.bundle).items() if name in EXPECTED_EMPTY}
        assert without_data(stack.api.url, quiet, (), within_s=120) == set()
        with closing(stack.lock_ledger()):
            fires(stack, OF_THE_LEDGER)
    stack.break_configurations()
    fires(stack, OF_CONFIGURATIONS)
    stack.alertmanager.close()
    fires(stack, OF_ALERTMANAGER)
    # While a stack starts, both fire for a moment: here it matters that they fire now.
    down, gone = OF_THE_GATEWAY
    until(lambda: not {down, gone} & set(stack.api.firing()), "the gateway being well")
    stack.gateway.close()
    until(lambda: down in stack.api.firing(), "the gateway's end")
    wait_until_free(stack.ports["gateway"])
    with closing(Answering(stack.ports["gateway"], 200, "something_else 1\n")):
        until(lambda: gone in stack.api.firing(), "a stranger in its place")
    assert stack.fired() >= stack.alerts
