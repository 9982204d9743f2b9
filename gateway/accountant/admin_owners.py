"""`/team/*` and `/user/*`: those whom keys belong to."""

from __future__ import annotations

import uuid
from copy import copy
from typing import Any

from gateway import clock
from gateway.accountant.admin_keys import KeyAdmin
from gateway.accountant.admin_parts import Body, Parts, absent, bad, check_alias, page_of
from gateway.accountant.records import Owner, TeamRecord, UserRecord
from gateway.accountant.views import key_view, owner_view
from gateway.errors import ApiError
from gateway.ledger.store import TEAM


class OwnerAdmin:
    """Teams or users, by `kind`. A user's e-mail is never an alias and never a label."""

    def __init__(self, parts: Parts, keys: KeyAdmin, kind: str) -> None:
        self._parts = parts
        self._keys = keys
        self._kind = kind
        self._id = f"{kind}_id"

    @property
    def _all(self) -> dict[str, Owner]:
        return self._parts.books.teams if self._kind == TEAM else self._parts.books.users

    async def new(self, body: Body) -> Body:
        """A new team or user."""
        alias = body.get(f"{self._kind}_alias") or body.get(self._id) or f"{self._kind}-{uuid.uuid4().hex[:8]}"
        check_alias(alias)
        identity = body.get(self._id) or uuid.uuid4().hex
        if self._named(alias) or identity in self._all:
            name = self._kind.capitalize()
            raise bad(f"{name} '{alias}' already exists. {name} aliases and ids are unique")
        record: TeamRecord | UserRecord
        if self._kind == TEAM:
            record = TeamRecord(team_id=identity, alias=alias, created_at=clock.now())
        else:
            record = UserRecord(user_id=identity, alias=alias, created_at=clock.now())
        self._apply(record, body)
        await self._parts.books.put(record)
        owner = self._published(identity)
        if self._kind == TEAM or not body.get("auto_create_key", True):
            return self._view(owner)
        own: Body = {name: body[name] for name in ("key_alias", "duration", "team_id") if name in body}
        try:
            made = await self._keys.generate({**own, "user_id": identity})
        except ApiError:
            # Half of it would have to be found and removed by hand.
            await self._parts.books.drop(owner.account)
            raise
        return {**self._view(owner), "key": made["key"], "token": made["token"], "expires": made["expires"]}

    async def info(self, body: Body) -> Body:
        """One team or user with its keys."""
        owner = self._find(body[self._id])
        keys = [key_view(k) for k in self._parts.books.keys_of(owner)]
        info = owner_view(owner, keys)
        more: Body = {"team_memberships": []} if self._kind == TEAM else {"teams": []}
        return {self._id: owner.account.identity, f"{self._kind}_info": info, "keys": keys, **more}

    async def page(self, body: Body) -> Any:
        """Every team; users by pages."""
        if self._kind == TEAM:
            return [self._view(owner) for owner in self._all.values()]
        owners, pages = page_of(list(self._all.values()), body)
        return {"users": [self._view(owner) for owner in owners], **pages}

    async def update(self, body: Body) -> Body:
        """Change what is given; what is left out stays."""
        owner = self._find(body[self._id])
        record, old = copy(owner.record), owner.record.alias
        self._apply(record, body)
        record.alias = body.get(f"{self._kind}_alias") or old
        check_alias(record.alias)
        if record.alias != old and self._named(record.alias):
            raise bad(f"'{record.alias}' already exists. Aliases are unique")
        return {self._id: owner.account.identity, "data": await self._put(owner, record)}

    async def block(self, body: Body, blocked: bool) -> Body:
        """All keys of it are refused, or no longer."""
        owner = self._find(body[self._id])
        record = copy(owner.record)
        record.blocked = blocked
        return await self._put(owner, record)

    async def delete(self, body: Body) -> Body:
        """Delete teams or users and their keys: all or, when one is unknown, none."""
        owners = [self._find(identity) for identity in body[f"{self._id}s"]]
        for owner in {owner.account.identity: owner for owner in owners}.values():
            await self._keys.drop(self._parts.books.keys_of(owner))
            await self._parts.books.drop(owner.account)
            if self._kind == TEAM:
                self._parts.gauges.remove_team(owner.record.alias)
        return {f"deleted_{self._kind}s": list(body[f"{self._id}s"])}

    async def _put(self, owner: Owner, record: TeamRecord | UserRecord) -> Body:
        old, keys = owner.record.alias, self._parts.books.keys_of(owner)
        await self._parts.books.put(record)
        if self._kind == TEAM and record.alias != old:
            for key in keys:
                self._parts.gauges.remove_key(key.record.alias, old)
            self._parts.gauges.remove_team(old)
        self._published(owner.account.identity)
        for key in keys:
            self._parts.gauges.publish_key(key)
        await self._parts.changed(keys)
        return self._view(owner)

    def _published(self, identity: str) -> Owner:
        owner = self._all[identity]
        if self._kind == TEAM:
            self._parts.gauges.publish_team(owner)
        return owner

    def _apply(self, record: TeamRecord | UserRecord, body: Body) -> None:
        self._parts.apply(record, body)
        if isinstance(record, UserRecord):
            record.email = body.get("user_email", record.email)
            record.role = body.get("user_role") or record.role

    def _view(self, owner: Owner) -> Body:
        return owner_view(owner, [key_view(k) for k in self._parts.books.keys_of(owner)])

    def _named(self, alias: str) -> bool:
        return any(owner.record.alias == alias for owner in self._all.values())

    def _find(self, identity: str) -> Owner:
        owner = self._all.get(identity)
        if owner is None:
            raise absent(f"{self._kind.capitalize()} not found, passed {self._id}={identity}")
        return owner
