"""The embedded inbox, asked for its messages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackctl.proof.observe.web import Web


@dataclass(frozen=True)
class InboxMessage:
    """A message as it was received; `received` is Unix time on the inbox's clock."""

    seq: int
    received: float
    state: str
    channel: str
    title: str


class InboxApi:
    """Raises UnavailableError when the inbox does not answer."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self.url = web.url

    async def check_ready(self) -> None:
        await self._web.json("/health")

    async def messages(self, *texts: str) -> list[InboxMessage]:
        """Messages that contain every text, oldest first."""
        found = await self._web.json("/messages", contains=list(texts))
        return [_message(message) for message in found["messages"]]


def _message(message: dict[str, Any]) -> InboxMessage:
    return InboxMessage(
        seq=message["seq"],
        received=datetime.fromisoformat(message["received"]).timestamp(),
        state=message["state"],
        channel=message["channel"],
        title=_title(message["payload"]),
    )


def _title(payload: dict[str, Any]) -> str:
    for part in payload.get("attachments") or []:
        if part.get("title"):
            return str(part["title"])
    return str(payload.get("text") or json.dumps(payload.get("groupLabels", {})))[:200]
