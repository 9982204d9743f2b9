"""What the admin paths of keys, teams and users share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gateway.accountant.books import Books
from gateway.accountant.gauges import Gauges
from gateway.accountant.holdings import Holdings
from gateway.accountant.records import Key, Record
from gateway.accountant.reserves import Reserves
from gateway.errors import ApiError
from gateway.money import nano_from_usd

Body = dict[str, Any]
_PLAIN = ("rpm_limit", "tpm_limit", "max_parallel_requests", "budget_duration")
_MONEY = ("max_budget", "soft_budget")
_EMPTY: dict[str, Any] = {"models": [], "metadata": {}, "tags": []}


@dataclass(frozen=True, slots=True)
class Parts:
    """`forget` tells the workers that keys changed and waits until all have taken it in."""

    books: Books
    holdings: Holdings
    gauges: Gauges
    reserves: Reserves | None
    forget: Callable[[list[Key]], Awaitable[None]]

    async def changed(self, keys: list[Key]) -> None:
        """Workers give leases back and look the keys up anew; spare holds go back to the database."""
        await self.forget(keys)
        if self.reserves is not None:
            await self.reserves.let_go([account for key in keys for account in key.accounts])

    def apply(self, record: Record, body: Body) -> None:
        """Set what keys, teams and users have in common."""
        known = {m.name for m in self.books.config.models}
        for name in body.get("models") or ():
            if name not in known:
                raise bad(f"Model {name!r} is not configured")
        for name in _PLAIN:
            if name in body:
                setattr(record, name, body[name])
        for name in _MONEY:
            if name in body:
                setattr(record, name, None if body[name] is None else nano_from_usd(body[name]))
        for name, empty in _EMPTY.items():
            if name in body:
                setattr(record, name, body[name] if body[name] is not None else type(empty)())
        if body.get("blocked") is not None:
            record.blocked = body["blocked"]


def check_alias(alias: str) -> None:
    """`other` is a label value of its own."""
    if alias == "other":
        raise bad("'other' is what metrics call the unknown; choose another alias")


def page_of(items: list[Any], body: Body) -> tuple[list[Any], Body]:
    """One page of a list, and what LiteLLM says about pages."""
    size, page = int(body.get("size") or 100), int(body.get("page") or 1)
    shown = items[(page - 1) * size : page * size]
    return shown, {"total_count": len(items), "current_page": page, "total_pages": -(-len(items) // size)}


def bad(message: str) -> ApiError:
    """A request that cannot be done."""
    return ApiError(400, "bad_request_error", message)


def absent(message: str) -> ApiError:
    """A request for something that is not there."""
    return ApiError(404, "not_found_error", message)
