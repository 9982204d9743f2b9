"""The open connections of one proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from stackctl.client import AsyncGatewayClient
from stackctl.proof.observe.alertmanager import AlertmanagerApi
from stackctl.proof.observe.inbox import InboxApi
from stackctl.proof.observe.metrics import MetricsPage
from stackctl.proof.observe.prometheus import PrometheusApi
from stackctl.proof.observe.receiver import InboxReceiver, Receiver, SlackReceiver
from stackctl.proof.observe.web import Web

if TYPE_CHECKING:
    from stackctl.proof.endpoints import Endpoints


class Session:
    """Every part of a stack, ready to be asked."""

    def __init__(self, endpoints: Endpoints) -> None:
        self.endpoints = endpoints
        self._webs = [
            Web("the gateway's /metrics", endpoints.gateway, endpoints.metrics_token),
            Web("Prometheus", endpoints.prometheus),
            Web("Alertmanager", endpoints.alertmanager),
            Web("the inbox", endpoints.inbox),
        ]
        metrics, prometheus, alertmanager, inbox = self._webs
        self.metrics = MetricsPage(metrics)
        self.prometheus = PrometheusApi(prometheus)
        self.alertmanager = AlertmanagerApi(alertmanager)
        self.inbox = InboxApi(inbox)
        self.gateway = AsyncGatewayClient(endpoints.gateway, endpoints.master_key, admin_url=endpoints.administered_at)
        self.receiver: Receiver = (
            SlackReceiver(self.alertmanager) if endpoints.receiver == "slack" else InboxReceiver(self.inbox)
        )

    async def __aenter__(self) -> Self:
        """Raises UnavailableError, which names the part, if one does not answer."""
        try:
            await self.prometheus.check_ready()
            await self.alertmanager.check_ready()
            await self.receiver.prepare()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        for web in self._webs:
            await web.close()
        await self.gateway.__aexit__()
