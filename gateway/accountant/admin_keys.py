"""`/key/*`."""

from __future__ import annotations

import secrets
from copy import copy

from gateway import clock, period
from gateway.accountant.admin_parts import Body, Parts, absent, bad, check_alias, page_of
from gateway.accountant.books import digest, shown
from gateway.accountant.records import Key, KeyRecord
from gateway.accountant.views import key_view, shown_time
from gateway.ledger.store import StoreError

_MOST_PREVIOUS = 8


class KeyAdmin:
    """Keys: made, changed, rotated, blocked, deleted."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._books = parts.books

    async def generate(self, body: Body) -> Body:
        """A new key; its secret is in this answer and nowhere else."""
        secret = body.get("key") or f"sk-{secrets.token_urlsafe(24)}"
        key_hash = digest(secret)
        alias = body.get("key_alias") or f"key-{key_hash[:8]}"
        check_alias(alias)
        if alias in self._books.aliases or self._books.find(key_hash) is not None:
            raise bad(f"Key with alias '{alias}' already exists. Key aliases are unique")
        record = KeyRecord(hash=key_hash, alias=alias, shown=shown(secret), created_at=clock.now())
        self._apply(record, body)
        key = await self._books.put_key(record)
        self._parts.gauges.publish_key(key)
        await self._parts.forget([key])
        return {"key": secret, **key_view(key)}

    async def info(self, body: Body) -> Body:
        """One key by secret, hash or alias."""
        key = self.find(body)
        return {"key": key.record.hash, "info": key_view(key)}

    async def page(self, body: Body) -> Body:
        """The keys of a team or a user, one by alias or hash, or all; their hashes, or all of them, by pages."""
        fields = {"team_id": "team_id", "user_id": "user_id", "key_hash": "hash", "key_alias": "alias"}
        wanted = {fields[name]: body[name] for name in fields if body.get(name) is not None}
        found = [
            k
            for k in self._books.keys.values()
            if all(getattr(k.record, name) == value for name, value in wanted.items())
        ]
        keys, pages = page_of(found, body)
        if not body.get("return_full_object"):
            return {"keys": [key.record.hash for key in keys], **pages}
        return {"keys": [{**key_view(k), "last_active": at} for k, at in await self._last_used(keys)], **pages}

    async def block(self, body: Body, blocked: bool) -> Body:
        """From the answer on, no worker of this gateway lets it in."""
        key = self.find(body)
        record = copy(key.record)
        record.blocked = blocked
        key = await self._books.put_key(record)
        await self._parts.changed([key])
        return key_view(key)

    async def update(self, body: Body) -> Body:
        """Change what is given; what is left out stays."""
        key = self.find(body)
        before, old_alias, old_team = key.accounts, key.record.alias, key.team_alias
        record = copy(key.record)
        self._apply(record, body)
        record.alias = body.get("key_alias") or old_alias
        check_alias(record.alias)
        if record.alias != old_alias and record.alias in self._books.aliases:
            raise bad(f"Key with alias '{record.alias}' already exists. Key aliases are unique")
        key = await self._books.put_key(record)
        self._parts.holdings.move_key(key, before)
        if (old_alias, old_team) != (record.alias, key.team_alias):
            self._parts.gauges.remove_key(old_alias, old_team)
        self._parts.gauges.publish_key(key)
        await self._parts.changed([key])
        return {"key": key.record.hash, **key_view(key)}

    async def regenerate(self, body: Body) -> Body:
        """A new secret for the same key; the old one stops at once."""
        key = self.find(body)
        before = key.accounts
        secret = body.get("new_key") or f"sk-{secrets.token_urlsafe(24)}"
        if self._books.find(digest(secret)) is not None:
            raise bad("This key exists already")
        old = copy(key.record)
        record = copy(key.record)
        self._apply(record, body)
        record.hash, record.shown = digest(secret), shown(secret)
        record.previous = [*old.previous, old.hash][-_MOST_PREVIOUS:]
        record.updated_at = clock.now()
        await self._parts.changed([key])
        rotated = await self._books.rotate(key, record)
        self._parts.holdings.move_key(rotated, before)
        rotated = await self._books.put_key(record)
        self._parts.gauges.publish_key(rotated)
        await self._parts.forget([Key(old, key.account), rotated])
        return {"key": secret, **key_view(rotated)}

    async def reset_spend(self, body: Body) -> Body:
        """Nothing is spent of this period any more; the total stays."""
        key = self.find(body)
        await self._books.store.reset(key.account.kind, key.account.identity)
        self._books.spend_was_reset(key.record, key.account.spent)
        key.account.spent = 0
        self._parts.gauges.refresh_money(key.account)
        return {"key_hash": key.record.hash, "spend": 0.0}

    async def delete(self, body: Body) -> Body:
        """Delete keys by secret, hash or alias: all or, when one is unknown, none."""
        keys = [self.find({"key": k}) for k in body.get("keys") or ()]
        keys += [self.find({"key_alias": a}) for a in body.get("key_aliases") or ()]
        await self.drop(keys)
        return {"deleted_keys": [*(body.get("keys") or body.get("key_aliases") or ())]}

    async def drop(self, keys: list[Key]) -> None:
        """Delete keys; their ledger rows stay."""
        unique = list({key.record.hash: key for key in keys}.values())
        for key in unique:
            await self._books.drop(key.account)
            self._parts.holdings.drop_key(key)
            self._parts.gauges.remove_key(key.record.alias, key.team_alias)
        await self._parts.forget(unique)

    async def _last_used(self, keys: list[Key]) -> list[tuple[Key, str | None]]:
        hashes = {key.record.hash: [key.record.hash, *key.record.previous] for key in keys}
        try:
            used = await self._books.store.last_used([one for every in hashes.values() for one in every])
        except StoreError:
            # Keys are known without the database; when they were used is not.
            used = {}
        return [(key, shown_time(max(used.get(one, 0.0) for one in hashes[key.record.hash]))) for key in keys]

    def find(self, body: Body) -> Key:
        """The key of a body. Raises ApiError 404."""
        given, alias = body.get("key"), body.get("key_alias")
        key = self._books.aliases.get(alias) if given is None and alias else None
        if given:
            key = self._books.keys.get(given) or self._books.keys.get(digest(given))
        if key is None:
            raise absent("Key not found")
        return key

    def _apply(self, record: KeyRecord, body: Body) -> None:
        if (team_id := body.get("team_id")) is not None:
            if team_id not in self._books.teams:
                raise absent(f"Team not found, passed team_id={team_id}")
            record.team_id = team_id
        if (user_id := body.get("user_id")) is not None:
            if user_id not in self._books.users:
                raise absent(f"User not found, passed user_id={user_id}")
            record.user_id = user_id
        self._parts.apply(record, body)
        if body.get("duration") is not None:
            record.expires = clock.now() + period.seconds(body["duration"])
