"""Text without secrets, for archives that leave the house."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

MASK = "[redacted]"
SHORTEST = 6
"""Shorter values are masked where their name says what they are, not wherever the same letters stand."""
NAMES = (
    r"password|passwd|passphrase|pass|pwd|secret|token|api[_-]?key|credentials?|license|dsn|webhook(?:_url)?"
    r"|(?:master|salt|secret|access|private|routing|service|integration|account|signing|encryption)_key"
)
"""How names end whose values are secrets. `…_file`, `token_type` and `max_tokens` do not."""
_PATTERNS = (
    re.compile(r"sk-[A-Za-z0-9_-]{8,}"),
    re.compile(r"(?<=hooks\.slack\.com/)\S+"),
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(?i)(?<=basic )[A-Za-z0-9+/=]{8,}"),
    re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"),
    re.compile(
        r"(AKIA[0-9A-Z]{16}|xox[abp]-[A-Za-z0-9-]{10,}|gh[pousr]_[A-Za-z0-9]{30,}|AIza[0-9A-Za-z_-]{30,}|eyJ[\w-]{10,}\.[\w.-]+)"
    ),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL),
)
_VALUE = r"(?P<value>\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|[^\s\"',}\]#][^\s\"',}\]]*)"
_NAMED = (
    # A line of its own: the value is the whole rest, blanks included.
    re.compile(
        rf"(?im)^(?P<head>[ \t\-\"']*[\w.-]*(?:{NAMES})[\w.-]*[\"']?[ \t]*[:=](?!=)[ \t]*)(?P<value>[^\s#{{\[].*?)[ \t]*$"
    ),
    # Within a line: in {…}, in a list of words, in a sentence of a log.
    re.compile(rf"(?i)(?P<head>(?<!hashed_)(?<!per_)(?:{NAMES})[\"']?[ \t]*[:=](?!=)[ \t]*){_VALUE}"),
    re.compile(
        rf"(?i)(?P<head>(?<![\w-])--?(?:requirepass|masterauth|auth|{NAMES})(?:=|[\"']?[ \t]*,[ \t]*|[ \t]+)){_VALUE}"
    ),
    re.compile(
        r"(?i)(?P<head>(?:authorization|cookie|x-api-key|x-auth[\w-]*)[\"']?[ \t]*[:=][ \t]*[\"']?"
        r"(?:(?:bearer|basic|token)[ \t]+)?)(?P<value>[^\s\"',}\]]+)"
    ),
    re.compile(
        r"(?i)(?P<head>https?://[^/\s\"']*webhook[^/\s\"']*/|https?://[^\s\"']*/webhooks?\w*/)(?P<value>[^\s\"']+)"
    ),
)
_REFERENCE = re.compile(
    r"(?i)^[\"']?(env:|file:|os\.environ/|\$|/run/secrets/|\.{0,2}/|secrets/|\{|\[|%s|(null|none|true|false)\b)"
)
_NUMBER = re.compile(r"[\"']?\d[\d.]*(e[+-]?\d+)?[\"']?$", re.IGNORECASE)
_SAYS_SECRET = re.compile(rf"(?<!per_)(?:{NAMES})[\"']?[ \t]*[:=, \t]+$", re.IGNORECASE)
"""A number is masked too if the whole name says so: `password: 12345678`, but not `token_limit: 5` or `cost_per_token: 0.1`."""


def redact(text: str, secrets: Collection[str] = ()) -> str:
    """`text` with every known secret, everything shaped like one, and every value named like one masked.

    References to secrets (env:NAME, os.environ/NAME, files) stay: they say where to look and give nothing away.
    """
    for secret in sorted((each for each in secrets if len(each) >= SHORTEST), key=len, reverse=True):
        text = text.replace(secret, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(MASK, text)
    for pattern in _NAMED:
        text = pattern.sub(_masked, text)
    return text


def is_reference(value: str) -> bool:
    """Whether a value only says where a secret is, or is plainly none."""
    return bool(_REFERENCE.match(value))


def _masked(match: re.Match[str]) -> str:
    head, value = match["head"], match["value"]
    counts = bool(_NUMBER.match(value)) and not _SAYS_SECRET.search(head)
    return match.group() if counts or is_reference(value) or MASK in value else f"{head}{MASK}"
