"""The inbox as a page: every message as Slack would show it, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from stackctl.proof.inbox.message import slack_attachments
from stackctl.proof.inbox.mrkdwn import safe_link, to_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.proof.inbox.message import Message

_STATES = {"good": "resolved", "danger": "firing", "warning": "warning"}


@dataclass(frozen=True)
class _Block:
    """One attachment, ready to be drawn; every text is HTML that is already safe."""

    state: str
    title: Markup
    link: str
    text: Markup
    fields: tuple[tuple[Markup, Markup, bool], ...] = ()


def render_page(newest_first: Sequence[Message], *, last: int, nonce: str) -> str:
    """The whole page; it needs no other file, and its script only asks whether there is something new."""
    drawn = [(message, to_html(_lead(message)), _blocks(message)) for message in newest_first]
    counts = {state: sum(m.state == state for m in newest_first) for state in ("firing", "resolved")}
    return _template().render(messages=drawn, counts=counts, last=last, nonce=nonce)


def _lead(message: Message) -> str:
    return str(message.payload.get("text") or "") if message.source == "slack" else ""


def _blocks(message: Message) -> list[_Block]:
    if message.source == "webhook":
        return [_alert_block(alert) for alert in message.payload["alerts"] if isinstance(alert, dict)]
    return [_attachment_block(part, message.state) for part in slack_attachments(message.payload)]


def _attachment_block(part: dict[str, Any], state: str) -> _Block:
    shown = [field for field in part.get("fields") or [] if isinstance(field, dict)]
    return _Block(
        state=_STATES.get(str(part.get("color")), state),
        title=to_html(str(part.get("title") or "")),
        link=safe_link(str(part.get("title_link") or "")),
        text=to_html(str(part.get("text") or part.get("fallback") or "")),
        fields=tuple(
            (to_html(str(field.get("title") or "")), to_html(str(field.get("value") or "")), bool(field.get("short")))
            for field in shown
        ),
    )


def _alert_block(alert: dict[str, Any]) -> _Block:
    labels = _mapping(alert.get("labels"))
    annotations = _mapping(alert.get("annotations"))
    state = "resolved" if alert.get("status") == "resolved" else "firing"
    name = labels.pop("alertname", "alert")
    return _Block(
        state=state,
        title=to_html(f"[{state.upper()}] {name}"),
        link=safe_link(str(alert.get("generatorURL") or "")),
        text=to_html(annotations.get("description") or annotations.get("summary") or ""),
        fields=tuple((to_html(label), to_html(value), True) for label, value in sorted(labels.items())),
    )


def _mapping(value: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in value.items()} if isinstance(value, dict) else {}


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
