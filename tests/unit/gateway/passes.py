"""A key as the accountant describes it to workers."""

from __future__ import annotations

from typing import Any

PASS: dict[str, Any] = {
    "hash": "h",
    "alias": "k",
    "series": "k",
    "team": "",
    "team_id": "",
    "models": [],
    "team_models": [],
    "blocked": False,
    "expires": None,
    "metered": True,
    "rated": False,
}
