"""The admin API's inside: LiteLLM's paths and field names over the books."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from gateway import period
from gateway.accountant.books import Books, digest, shown
from gateway.accountant.gauges import Gauges
from gateway.accountant.holdings import Holdings
from gateway.accountant.records import Key, KeyRecord, Team, TeamRecord
from gateway.accountant.views import key_view, ledger_view, team_view
from gateway.errors import ApiError
from gateway.money import nano_from_usd

Body = dict[str, Any]
_PLAIN = ("rpm_limit", "tpm_limit", "max_parallel_requests", "budget_duration")
_EMPTY: dict[str, Any] = {"models": [], "metadata": {}}


class Admin:
    """One method per admin path. Bodies were checked by the API; what they refer to is checked here.

    `forget` tells the workers that a key changed and waits until all have taken it in.
    """

    def __init__(
        self,
        books: Books,
        holdings: Holdings,
        gauges: Gauges,
        forget: Callable[[list[Key]], Awaitable[None]],
    ) -> None:
        self._books = books
        self._holdings = holdings
        self._gauges = gauges
        self._forget = forget
        self._paths: dict[str, Callable[[Body], Awaitable[Any]]] = {
            "/key/generate": self._key_generate,
            "/key/info": self._key_info,
            "/key/list": self._key_list,
            "/key/block": lambda body: self._key_block(body, True),
            "/key/unblock": lambda body: self._key_block(body, False),
            "/key/update": self._key_update,
            "/key/delete": self._key_delete,
            "/team/new": self._team_new,
            "/team/info": self._team_info,
            "/team/list": self._team_list,
            "/team/update": self._team_update,
            "/team/delete": self._team_delete,
            "/spend/logs": self._spend_logs,
        }

    async def call(self, path: str, body: Body) -> Any:
        """Answer one admin request. Raises ApiError."""
        return await self._paths[path](body)

    async def _key_generate(self, body: Body) -> Body:
        secret = body.get("key") or f"sk-{secrets.token_urlsafe(24)}"
        key_hash = digest(secret)
        alias = body.get("key_alias") or f"key-{key_hash[:8]}"
        _check_alias(alias)
        if alias in self._books.aliases or key_hash in self._books.keys:
            raise _bad(f"Key with alias '{alias}' already exists. Key aliases are unique")
        record = KeyRecord(key_hash, alias, shown(secret), created_at=time.time())
        self._apply(record, body)
        key = self._books.put_key(record)
        self._gauges.publish_key(key)
        await self._forget([key])
        return {"key": secret, **key_view(key)}

    async def _key_info(self, body: Body) -> Body:
        key = self._key(body)
        return {"key": key.record.hash, "info": key_view(key)}

    async def _key_list(self, body: Body) -> Body:
        keys = [k for k in self._books.keys.values() if body.get("team_id") in (None, k.record.team_id)]
        size, page = int(body.get("size") or 100), int(body.get("page") or 1)
        shown_keys = keys[(page - 1) * size : page * size]
        return {
            "keys": [key_view(k) for k in shown_keys],
            "total_count": len(keys),
            "current_page": page,
            "total_pages": -(-len(keys) // size),
        }

    async def _key_block(self, body: Body, blocked: bool) -> Body:
        key = self._key(body)
        key.record.blocked = blocked
        self._books.put_key(key.record)
        await self._forget([key])
        return key_view(key)

    async def _key_update(self, body: Body) -> Body:
        key = self._key(body)
        before, old_alias, old_team = key.accounts, key.record.alias, _team_alias(key)
        alias = body.get("key_alias") or old_alias
        _check_alias(alias)
        if alias != old_alias and alias in self._books.aliases:
            raise _bad(f"Key with alias '{alias}' already exists. Key aliases are unique")
        self._apply(key.record, body)
        del self._books.aliases[old_alias]
        key.record.alias = alias
        self._books.put_key(key.record)
        self._holdings.move_key(key, before)
        if (old_alias, old_team) != (alias, _team_alias(key)):
            self._gauges.remove_key(old_alias, old_team)
        self._gauges.publish_key(key)
        await self._forget([key])
        return {"key": key.record.hash, **key_view(key)}

    async def _key_delete(self, body: Body) -> Body:
        keys = [self._key({"key": k}) for k in body.get("keys") or ()]
        keys += [self._key({"key_alias": a}) for a in body.get("key_aliases") or ()]
        for key in keys:
            self._drop(key)
        await self._forget(keys)
        return {"deleted_keys": list(body.get("keys") or body.get("key_aliases") or ())}

    async def _team_new(self, body: Body) -> Body:
        alias = body.get("team_alias") or body.get("team_id") or f"team-{uuid.uuid4().hex[:8]}"
        _check_alias(alias)
        team_id = body.get("team_id") or uuid.uuid4().hex
        if self._books.team_named(alias) or team_id in self._books.teams:
            raise _bad(f"Team '{alias}' already exists. Team aliases and ids are unique")
        record = TeamRecord(team_id, alias, created_at=time.time())
        _apply_team(record, body)
        team = self._books.put_team(record)
        self._gauges.publish_team(team)
        return team_view(team, [])

    async def _team_info(self, body: Body) -> Body:
        team = self._team(body["team_id"])
        keys = [key_view(k) for k in self._books.keys_of(team)]
        return {"team_id": team.record.team_id, "team_info": team_view(team, keys), "keys": keys}

    async def _team_list(self, _: Body) -> list[Body]:
        return [team_view(t, [key_view(k) for k in self._books.keys_of(t)]) for t in self._books.teams.values()]

    async def _team_update(self, body: Body) -> Body:
        team = self._team(body["team_id"])
        _apply_team(team.record, body)
        old, alias = team.record.alias, body.get("team_alias") or team.record.alias
        keys = self._books.keys_of(team)
        if alias != old:
            if self._books.team_named(alias):
                raise _bad(f"Team '{alias}' already exists. Team aliases and ids are unique")
            for key in keys:
                self._gauges.remove_key(key.record.alias, old)
            self._gauges.remove_team(old)
            team.record.alias = alias
        self._books.put_team(team.record)
        self._gauges.publish_team(team)
        for key in keys:
            self._gauges.publish_key(key)
        await self._forget(keys)
        return {"team_id": team.record.team_id, "data": team_view(team, [])}

    async def _team_delete(self, body: Body) -> Body:
        teams = [self._team(team_id) for team_id in body["team_ids"]]
        for team in teams:
            keys = self._books.keys_of(team)
            for key in keys:
                self._drop(key)
            await self._forget(keys)
            self._books.drop_team(team)
            self._gauges.remove_team(team.record.alias)
        return {"deleted_teams": list(body["team_ids"])}

    async def _spend_logs(self, body: Body) -> list[Body]:
        api_key = body.get("api_key") or ""
        if api_key.startswith("sk-"):
            body = {**body, "api_key": digest(api_key)}
        return ledger_view(self._books.database, body)

    def _drop(self, key: Key) -> None:
        self._holdings.drop_key(key)
        self._books.drop_key(key)
        self._gauges.remove_key(key.record.alias, _team_alias(key))

    def _apply(self, record: KeyRecord, body: Body) -> None:
        if (team_id := body.get("team_id")) is not None:
            record.team_id = self._team(team_id).record.team_id
        known = {m.name for m in self._books.config.models}
        for name in body.get("models") or ():
            if name not in known:
                raise _bad(f"Model {name!r} is not configured")
        for name in _PLAIN:
            if name in body:
                setattr(record, name, body[name])
        _set_collections(record, body)
        if "max_budget" in body:
            record.max_budget = None if body["max_budget"] is None else nano_from_usd(body["max_budget"])
        if body.get("duration") is not None:
            record.expires = time.time() + period.seconds(body["duration"])
        if body.get("blocked") is not None:
            record.blocked = body["blocked"]

    def _key(self, body: Body) -> Key:
        given, alias = body.get("key"), body.get("key_alias")
        key = self._books.aliases.get(alias) if given is None and alias else None
        if given:
            key = self._books.keys.get(given) or self._books.keys.get(digest(given))
        if key is None:
            raise ApiError(404, "not_found_error", "Key not found")
        return key

    def _team(self, team_id: str) -> Team:
        team = self._books.teams.get(team_id)
        if team is None:
            raise ApiError(404, "not_found_error", f"Team not found, passed team_id={team_id}")
        return team


def _apply_team(record: TeamRecord, body: Body) -> None:
    _set_collections(record, body)
    if "budget_duration" in body:
        record.budget_duration = body["budget_duration"]
    if "max_budget" in body:
        record.max_budget = None if body["max_budget"] is None else nano_from_usd(body["max_budget"])


def _set_collections(record: KeyRecord | TeamRecord, body: Body) -> None:
    for name, empty in _EMPTY.items():
        if name in body:
            setattr(record, name, body[name] if body[name] is not None else type(empty)())


def _check_alias(alias: str) -> None:
    if alias == "other":
        raise _bad("'other' is what metrics call the unknown; choose another alias")


def _team_alias(key: Key) -> str:
    return key.team.record.alias if key.team else ""


def _bad(message: str) -> ApiError:
    return ApiError(400, "bad_request_error", message)
