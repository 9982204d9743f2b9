"""The typed client of the gateway's admin API (LiteLLM's paths and field names)."""

from stackctl.client.aio import AsyncGatewayClient
from stackctl.client.answers import ChatAnswer, KeyInfo, NewKey, SpendRow, Team
from stackctl.client.gateway import GatewayClient

__all__ = ["AsyncGatewayClient", "ChatAnswer", "GatewayClient", "KeyInfo", "NewKey", "SpendRow", "Team"]
