"""Text without secrets, for archives that leave the house."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

MASK = "[redacted]"
_SHORTEST = 6
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
_NAMED = re.compile(
    r"(?im)^(?P<head>[ \t\-\"']*[\w.-]*(?:password|passwd|secret|token|api_?key|master_key|salt_key|webhook)[\w.-]*"
    r"[\"']?\s*[:=]\s*)(?P<value>[^\s#].*?)(?P<tail>[ \t]*)$"
)
_REFERENCE = re.compile(
    r"^[\"']?(env:|file:|os\.environ/|\$\{?\w|/run/secrets/|\.{0,2}/|secrets/|\{|\[|null|true|false|\d+$)"
)


def redact(text: str, secrets: Collection[str] = ()) -> str:
    """`text` with every known secret, everything shaped like one, and every value named like one masked.

    References to secrets (env:NAME, os.environ/NAME, files) stay: they say where to look and give nothing away.
    """
    for secret in sorted((each for each in secrets if len(each) >= _SHORTEST), key=len, reverse=True):
        text = text.replace(secret, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(MASK, text)
    return _NAMED.sub(_masked, text)


def _masked(match: re.Match[str]) -> str:
    kept = _REFERENCE.match(match["value"]) or MASK in match["value"]
    return match.group() if kept else f"{match['head']}{MASK}{match['tail']}"
