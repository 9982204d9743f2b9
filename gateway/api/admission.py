"""Who may send what: the checks before a request is let in."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, Final, cast

from gateway import pricing
from gateway.api.coming import coming_body
from gateway.api.exchange import Exchange
from gateway.api.outcome import Outcome
from gateway.api.requests import MOST_BODY, credential, forwarded, parse, too_large
from gateway.errors import ApiError
from gateway.limits import Gate, Pass
from gateway.limits.keys import hash_of
from gateway.limits.passes import Passes
from gateway.providers import Kind, Request
from gateway.routing import Router

# Of what a client sends beside its prompt, the ledger keeps so many entries of so many characters.
_MOST: Final = 16
_LONGEST: Final = 128


class Admission:
    """Bound to one worker's passes, gate and router."""

    def __init__(
        self,
        passes: Passes,
        gate: Gate,
        router: Router,
        master_key: str,
        refused: frozenset[str] = frozenset(),
        most_body: int = MOST_BODY,
    ) -> None:
        """`most_body` in bytes. `refused`: models that no request may go to, because somebody's price there is unknown."""
        self._passes = passes
        self._gate, self._leases = gate, gate.leases
        self._router = router
        self._master = master_key.encode()
        self._refused = refused
        self._most_body = most_body
        # What a prompt of so many tokens may cost beside its answer, in nano-USD.
        self.surcharge: Callable[[int], int] | None = None

    async def key(self, exchange: Exchange) -> Pass:
        """The caller's key, usable or not. Raises ApiError 401, 403 or 503."""
        secret = credential(exchange.headers)
        if not secret:
            raise ApiError(401, "invalid_api_key", "No API key: send `Authorization: Bearer sk-...`")
        key_hash = hash_of(secret)
        return self._passes.known(key_hash) or await self._look_up(secret, key_hash)

    def at_once(self, exchange: Exchange, outcome: Outcome, kind: Kind) -> Request | None:
        """A request whose key is known here and whose body is there; None: `later` must wait for one of them.

        It is let in if the outcome has its reservation; without one the accountant must be asked. Raises ApiError.
        """
        if not exchange.key_hash:
            exchange.key_hash = hash_of(credential(exchange.headers))
        key = self._passes.known(exchange.key_hash)
        raw = None if key is None else exchange.whole_body()
        if key is None or raw is None:
            return None
        outcome.key = key
        if key.blocked or key.expires is not None:
            check_usable(key)
        return self._read(exchange, outcome, kind, key, raw)

    async def later(self, exchange: Exchange, outcome: Outcome, kind: Kind) -> Request:
        """As `at_once`. Raises ApiError, ClientLeftError."""
        key = outcome.key = await self.key(exchange)
        if key.blocked or key.expires is not None:
            check_usable(key)
        raw = exchange.whole_body()
        if raw is None:
            raw = await coming_body(exchange, self._most_body)
        return self._read(exchange, outcome, kind, key, raw)

    async def ask(self, outcome: Outcome, request: Request) -> None:
        """Have the accountant let a request in. Raises ApiError."""
        key, prompt, most = cast(Pass, outcome.key), request.raw_size // 4, request.most_completion
        tokens = prompt + (pricing.ASSUMED_COMPLETION if most is None else most)
        outcome.reservation = await self._gate.ask(key, self._estimate(outcome, prompt, most), tokens)

    def _read(self, exchange: Exchange, outcome: Outcome, kind: Kind, key: Pass, raw: bytes) -> Request:
        if len(raw) > self._most_body:
            raise too_large(self._most_body)
        request = parse(kind, raw)
        if kind in ("messages", "count_tokens"):
            request.headers = forwarded(exchange.headers)
        self._name_model(outcome, key, request)
        outcome.kind, outcome.stream = kind, request.stream
        describe(outcome, key, request.body)
        # Four bytes per prompt token, and the most output asked for.
        estimate = self._estimate(outcome, request.raw_size // 4, request.most_completion)
        outcome.reservation = self._leases.enter(key, estimate)
        return request

    def _estimate(self, outcome: Outcome, prompt: int, most: int | None) -> int:
        estimate = pricing.estimate(self._router.dearest[outcome.model].price, prompt, most)
        return estimate if self.surcharge is None else estimate + self.surcharge(prompt)

    def is_master(self, secret: bytes) -> bool:
        """Whether this is the master key, compared in constant time."""
        return hmac.compare_digest(secret, self._master)

    async def _look_up(self, secret: bytes, key_hash: str) -> Pass:
        if self.is_master(secret):
            message = "The master key is for administration; make a key with POST /key/generate to call models"
            raise ApiError(403, "permission_error", message)
        found = await self._passes.find(key_hash)
        if found is None:
            raise ApiError(401, "invalid_api_key", "Invalid API key")
        return found

    def _name_model(self, outcome: Outcome, key: Pass, request: Request) -> None:
        name = request.body["model"]
        model = self._router.models.get(name)
        if model is None or (model.hidden and name not in key.models):
            message = f"The model {name[:100]!r} does not exist"
            raise ApiError(404, "not_found_error", message, param="model")
        outcome.model = name
        if not (key.unrestricted and not model.hidden) and not key.may_call(name, model.hidden):
            message = f"Key {key.alias} may not call the model {name!r}"
            raise ApiError(403, "key_model_access_denied", message, param="model")
        if self._refused and name in self._refused:
            message = f"The price of the model {name!r} is not known and the gateway's policy refuses such requests"
            raise ApiError(403, "unpriced_model", message, param="model")


def check_usable(key: Pass) -> None:
    """Raises ApiError 401 for a blocked or expired key."""
    if key.blocked:
        raise ApiError(401, "invalid_api_key", f"Key {key.alias} is blocked")
    if key.expired:
        raise ApiError(401, "invalid_api_key", f"Key {key.alias} has expired")


def describe(outcome: Outcome, key: Pass, body: dict[str, Any]) -> None:
    """What the ledger keeps of a request beside its numbers: end user, tags and short metadata; no content."""
    outcome.tags = key.tags
    if "user" in body and isinstance(user := body["user"], str):
        outcome.end_user = user[:_LONGEST]
    if "metadata" in body and isinstance(metadata := body["metadata"], dict):
        _describe_further(outcome, key, metadata)


def _describe_further(outcome: Outcome, key: Pass, metadata: dict[str, Any]) -> None:
    tags = metadata.get("tags")
    if isinstance(tags, list):
        own = [tag[:_LONGEST] for tag in tags if isinstance(tag, str)]
        outcome.tags = [*key.tags, *own][:_MOST]
    short = {
        name[:_LONGEST]: value
        for name, value in metadata.items()
        if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _LONGEST)
    }
    outcome.metadata = dict(list(short.items())[:_MOST])
