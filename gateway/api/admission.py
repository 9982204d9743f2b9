"""Who may send what: the checks before a request is let in."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

from gateway import pricing
from gateway.api.answers import Receive, Scope
from gateway.api.outcome import Outcome
from gateway.api.requests import MOST_BODY, credential, forwarded, parse, read_body
from gateway.errors import AccountantGoneError, ApiError
from gateway.limits import Gate, Pass
from gateway.limits.passes import Passes
from gateway.providers import Kind, Request
from gateway.routing import Router

# Of what a client sends beside its prompt, the ledger keeps so many entries of so many characters.
_MOST = 16
_LONGEST = 128


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
        self._gate = gate
        self._router = router
        self._master = master_key.encode()
        self._refused = refused
        self._most_body = most_body
        # What a prompt of so many tokens may cost beside its answer, in nano-USD.
        self.surcharge: Callable[[int], int] | None = None

    async def key(self, scope: Scope) -> Pass:
        """The caller's key, usable or not. Raises ApiError 401, 403 or 503."""
        secret = credential(scope)
        if not secret:
            raise ApiError(401, "invalid_api_key", "No API key: send `Authorization: Bearer sk-...`")
        known = self._passes.known(secret)
        if known is None:
            known = await self._look_up(secret)
        return known

    async def admit(self, scope: Scope, receive: Receive, outcome: Outcome, kind: Kind) -> Request:
        """A request that was let in; its reservation is in the outcome. Raises ApiError, ClientLeftError."""
        key = outcome.key = self._passes.known(credential(scope)) or await self.key(scope)
        check_usable(key)
        request = parse(kind, await read_body(receive, self._most_body))
        if kind in ("messages", "count_tokens"):
            request.headers = forwarded(scope)
        self._name_model(outcome, key, request)
        outcome.kind, outcome.stream = kind, request.stream
        describe(outcome, key, request.body)
        step = self._router.first(outcome.model)
        # Four bytes per prompt token, and the most output asked for.
        prompt, most = request.raw_size // 4, request.most_completion
        estimate = pricing.estimate(step.price, prompt, most)
        if self.surcharge is not None:
            estimate += self.surcharge(prompt)
        reservation = self._gate.enter(key, estimate)
        if reservation is None:
            tokens = prompt + (pricing.ASSUMED_COMPLETION if most is None else most)
            reservation = await self._gate.ask(key, estimate, tokens)
        outcome.reservation = reservation
        return request

    def is_master(self, secret: bytes) -> bool:
        """Whether this is the master key, compared in constant time."""
        return hmac.compare_digest(secret, self._master)

    async def _look_up(self, secret: bytes) -> Pass:
        if self.is_master(secret):
            message = "The master key is for administration; make a key with POST /key/generate to call models"
            raise ApiError(403, "permission_error", message)
        try:
            found = await self._passes.find(secret)
        except AccountantGoneError as error:
            raise ApiError(503, "service_unavailable", f"Keys cannot be checked at the moment: {error}") from None
        if found is None:
            raise ApiError(401, "invalid_api_key", "Invalid API key")
        return found

    def _name_model(self, outcome: Outcome, key: Pass, request: Request) -> None:
        name = request.body["model"]
        model = self._router.model(name)
        if model is None or (model.hidden and name not in key.models):
            message = f"The model {name[:100]!r} does not exist"
            raise ApiError(404, "not_found_error", message, param="model")
        outcome.model = name
        if not key.may_call(name, model.hidden):
            message = f"Key {key.alias} may not call the model {name!r}"
            raise ApiError(403, "key_model_access_denied", message, param="model")
        if name in self._refused:
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
    user, metadata = body.get("user"), body.get("metadata")
    if isinstance(user, str):
        outcome.end_user = user[:_LONGEST]
    if not isinstance(metadata, dict):
        return
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
