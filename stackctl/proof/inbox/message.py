"""One message as the inbox keeps it: the sender's payload, untouched, and what can be read from it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

State = Literal["firing", "resolved", "info"]
Source = Literal["slack", "webhook"]

_TITLE_STATE = re.compile(r"\b(FIRING|RESOLVED)\b")
_COLOURS: dict[str, State] = {"danger": "firing", "good": "resolved"}


@dataclass(frozen=True)
class Message:
    """`seq` counts from 1 and is never used twice in one store; `received` is Unix time on the inbox's clock."""

    seq: int
    received: float
    source: Source
    payload: dict[str, Any]

    @property
    def received_iso(self) -> str:
        stamp = datetime.fromtimestamp(self.received, UTC).isoformat(timespec="milliseconds")
        return stamp.replace("+00:00", "Z")

    @property
    def state(self) -> State:
        """What Alertmanager says about the group of alerts: any of them firing, or all resolved."""
        return _webhook_state(self.payload) if self.source == "webhook" else _slack_state(self.payload)

    @property
    def channel(self) -> str:
        """The Slack channel, or the receiver of a webhook."""
        return str(self.payload.get("channel") or self.payload.get("receiver") or "")

    @property
    def searchable(self) -> str:
        """Everything in the payload as one text."""
        return json.dumps(self.payload, ensure_ascii=False)

    def contains(self, texts: list[str]) -> bool:
        # A quote in a search text must match, so texts are compared in the form JSON gives them.
        return all(json.dumps(text, ensure_ascii=False)[1:-1] in self.searchable for text in texts)

    def as_json(self) -> dict[str, Any]:
        return {
            "seq": self.seq,
            "received": self.received_iso,
            "source": self.source,
            "state": self.state,
            "channel": self.channel,
            "payload": self.payload,
        }


def slack_attachments(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """The attachments of a Slack payload that really are mappings."""
    found = payload.get("attachments")
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _slack_state(payload: dict[str, Any]) -> State:
    parts = slack_attachments(payload)
    for text in [str(payload.get("text") or ""), *(str(p.get("title") or p.get("fallback") or "") for p in parts)]:
        if match := _TITLE_STATE.search(text):
            return "firing" if match[1] == "FIRING" else "resolved"
    for part in parts:
        if str(part.get("color")) in _COLOURS:
            return _COLOURS[str(part.get("color"))]
    return "info"


def _webhook_state(payload: dict[str, Any]) -> State:
    status = payload.get("status")
    return "firing" if status == "firing" else "resolved" if status == "resolved" else "info"
