"""Keys and teams as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

_DETAILS = {
    "alias": "key", "state": "state", "team": "team", "user_id": "user", "models": "models", "spend": "spent",
    "max_budget": "budget", "soft_budget": "soft budget", "budget_duration": "period",
    "budget_reset_at": "next period", "rpm_limit": "requests per minute", "tpm_limit": "tokens per minute",
    "max_parallel_requests": "parallel requests", "created": "made", "expires": "expires",
    "last_active": "last used", "token": "hash",
}  # fmt: skip
_NO_LIMIT = {"models": "all", "max_budget": "none", "expires": "never", "last_active": "never"}


def table(data: dict[str, Any]) -> Iterable[RenderableType]:
    """One line per key."""
    from rich.table import Table

    if not data["keys"]:
        yield "no keys: `stackctl keys create NAME` makes one"
        return
    shown = Table(
        "key", "team", "spent", "budget", "period", "rpm", "tpm", "parallel", "state", box=None, pad_edge=False
    )
    for key in data["keys"]:
        limits = [
            str(key[name] or "-") for name in ("budget_duration", "rpm_limit", "tpm_limit", "max_parallel_requests")
        ]
        shown.add_row(key["alias"], key["team"] or "-", spent(key["spend"]), budget(key), *limits, key["state"])
    yield shown


def details(data: dict[str, Any]) -> Iterable[RenderableType]:
    """All of one key, a line each."""
    from rich.table import Table

    (key,) = data["keys"]
    shown = Table.grid(padding=(0, 2))
    for name, title in _DETAILS.items():
        shown.add_row(title, _value(name, key[name]))
    for name, value in sorted(key["metadata"].items()):
        shown.add_row(name.replace("_", " "), str(value))
    yield shown


def teams(data: dict[str, Any]) -> Iterable[RenderableType]:
    """One line per team."""
    from rich.table import Table

    if not data["teams"]:
        yield "no teams: `stackctl teams create NAME` makes one"
        return
    shown = Table("team", "spent", "budget", "period", "rpm", "tpm", "models", "state", box=None, pad_edge=False)
    for team in data["teams"]:
        limits = [str(team[name] or "-") for name in ("budget_duration", "rpm_limit", "tpm_limit")]
        state = "blocked" if team["blocked"] else "active"
        shown.add_row(
            team["alias"], spent(team["spend"]), budget(team), *limits, ", ".join(team["models"]) or "all", state
        )
    yield shown


def spent(usd: float) -> str:
    """Money that may be fractions of a cent."""
    return f"${usd:,.4f}"


def budget(owner: dict[str, Any]) -> str:
    """The budget of a key or team, cents shown only as far as they matter."""
    usd = owner["max_budget"]
    if usd is None:
        return "-"
    return f"${usd:,.2f}" if round(usd, 2) == usd else f"${usd:,.6f}".rstrip("0")


def _value(name: str, value: Any) -> str:
    if value is None or value == []:
        return _NO_LIMIT.get(name, "-")
    if isinstance(value, list):
        return ", ".join(value)
    if name in ("spend", "max_budget", "soft_budget"):
        return f"${value:,.6f}".rstrip("0").rstrip(".")
    if name in ("created", "expires", "last_active", "budget_reset_at"):
        return f"{value[:10]} {value[11:16]} UTC"
    return str(value)
