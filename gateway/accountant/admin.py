"""The admin API's inside: LiteLLM's paths and field names over the books."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.accountant.admin_keys import KeyAdmin
from gateway.accountant.admin_owners import OwnerAdmin
from gateway.accountant.admin_parts import Body, Parts
from gateway.accountant.audit import changes_page, storage_view
from gateway.accountant.books import Books, digest
from gateway.accountant.gauges import Gauges
from gateway.accountant.holdings import Holdings
from gateway.accountant.records import Key
from gateway.accountant.reserves import Reserves
from gateway.accountant.views import ledger_page
from gateway.errors import ApiError
from gateway.ledger.store import TEAM, USER, TakenError

_READING = frozenset({"/spend/logs", "/audit", "/audit/storage"})


class Admin:
    """One method per path. Bodies were checked by the API; what they refer to is checked here.

    `forget` tells the workers that a key changed and waits until all have taken it in.
    """

    def __init__(
        self,
        books: Books,
        holdings: Holdings,
        gauges: Gauges,
        reserves: Reserves | None,
        forget: Callable[[list[Key]], Awaitable[None]],
    ) -> None:
        self._books = books
        self._one_at_a_time = asyncio.Lock()
        parts = Parts(books, holdings, gauges, reserves, forget)
        keys = KeyAdmin(parts)
        teams, users = OwnerAdmin(parts, keys, TEAM), OwnerAdmin(parts, keys, USER)
        self._paths: dict[str, Callable[[Body], Awaitable[Any]]] = {
            "/key/generate": keys.generate,
            "/key/info": keys.info,
            "/key/list": keys.page,
            "/key/block": lambda body: keys.block(body, True),
            "/key/unblock": lambda body: keys.block(body, False),
            "/key/update": keys.update,
            "/key/regenerate": keys.regenerate,
            "/key/reset_spend": keys.reset_spend,
            "/key/delete": keys.delete,
            "/spend/logs": self._spend_logs,
            "/audit": lambda body: changes_page(books.store, body["page"], body["page_size"]),
            "/audit/storage": lambda _: storage_view(books.store),
        }
        for prefix, owners in (("/team", teams), ("/user", users)):
            self._paths |= {
                f"{prefix}/new": owners.new,
                f"{prefix}/info": owners.info,
                f"{prefix}/list": owners.page,
                f"{prefix}/update": owners.update,
                f"{prefix}/delete": owners.delete,
                f"{prefix}/block": lambda body, owners=owners: owners.block(body, True),  # type: ignore[misc]
                f"{prefix}/unblock": lambda body, owners=owners: owners.block(body, False),  # type: ignore[misc]
            }

    async def call(self, path: str, body: Body, by: str = "") -> Any:
        """Answer one admin request of `by`. Raises ApiError and StoreError."""
        if path in _READING:
            return await self._paths[path](body)
        async with self._one_at_a_time:
            try:
                return await self._paths[path](body)
            except TakenError:
                raise ApiError(400, "bad_request_error", "This alias exists already. Aliases are unique") from None
            finally:
                # Also of what was done before it failed.
                await self._books.note(by or "master key", path.rpartition("/")[2])

    async def _spend_logs(self, body: Body) -> Body:
        api_key = body.get("api_key") or ""
        if api_key.startswith("sk-"):
            body = {**body, "api_key": digest(api_key)}
        return await ledger_page(self._books.store, body)
