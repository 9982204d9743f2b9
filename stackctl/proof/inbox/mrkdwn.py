"""Slack's text markup as safe HTML: links, bold, italic, code and line breaks.

Source: https://api.slack.com/reference/surfaces/formatting. Whatever is not understood stays text.
"""

from __future__ import annotations

import re
from html import unescape

from markupsafe import Markup, escape

_LINK = re.compile(r"<((?:https?://|mailto:)[^|<>\s]+)(?:\|([^<>]*))?>")
_STYLES = (
    (re.compile(r"(?<!\w)\*(\S(?:[^*\n]*\S)?)\*(?!\w)"), "b"),
    (re.compile(r"(?<!\w)_(\S(?:[^_\n]*\S)?)_(?!\w)"), "i"),
)
_CODE = re.compile(r"`([^`\n]+)`")


def to_html(text: str) -> Markup:
    """`text` as HTML that cannot hold more than a, b, i, code and br."""
    parts: list[Markup] = []
    end = 0
    for match in _LINK.finditer(text):
        parts.append(_plain(text[end : match.start()]))
        label = _plain(match[2] or match[1])
        parts.append(Markup('<a href="{}" rel="noopener noreferrer">{}</a>').format(unescape(match[1]), label))
        end = match.end()
    parts.append(_plain(text[end:]))
    return Markup("").join(parts)


def safe_link(url: str) -> str:
    """`url` if a browser may follow it, else nothing."""
    return url if re.match(r"https?://", url) else ""


def _plain(text: str) -> Markup:
    # Senders escape & < > as entities, and Alertmanager does not: both must look the same.
    parts = _CODE.split(unescape(text))
    drawn = [_styled(part) if index % 2 == 0 else f"<code>{escape(part)}</code>" for index, part in enumerate(parts)]
    return Markup("".join(drawn).replace("\n", "<br>"))  # noqa: S704 every part was escaped above


def _styled(text: str) -> str:
    safe = str(escape(text))
    for pattern, tag in _STYLES:
        safe = pattern.sub(rf"<{tag}>\1</{tag}>", safe)
    return safe
