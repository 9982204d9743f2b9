"""Vectors for the semantic cache, bought like any other request: counted, priced, and in the ledger of the key."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from gateway import pricing
from gateway.api.accounting import Accounting
from gateway.api.attempts import Attempts
from gateway.api.outcome import Outcome
from gateway.config import Deployment
from gateway.errors import UpstreamError
from gateway.limits import Gate
from gateway.providers import Answer, Provider, Request
from gateway.routing import Router

TAG = "semantic-cache"


class Embedder:
    """Asks one configured model; its cost was reserved together with the request it is for."""

    def __init__(self, model: str, router: Router, attempts: Attempts, accounting: Accounting, gate: Gate) -> None:
        self._model = model
        self._router = router
        self._attempts = attempts
        self._accounting = accounting
        self._gate = gate

    def estimate(self, prompt_tokens: int) -> int:
        """Nano-USD that a question of so many tokens may cost beside its answer."""
        return pricing.estimate(self._router.dearest[self._model].price, prompt_tokens, 0)

    async def __call__(self, text: str, asked: Outcome, request: Request) -> Sequence[float] | None:
        """The vector of a text, or None when the model fails; a row of its own tells what it cost."""
        body = {"model": self._model, "input": text}
        question = Request("embeddings", body, len(text))
        outcome = Outcome(f"{asked.request_id}-q")
        outcome.key, outcome.model, outcome.kind = asked.key, self._model, "embeddings"
        outcome.tags, outcome.end_user = [*asked.tags, TAG], asked.end_user
        if asked.reservation is not None:
            outcome.reservation = self._gate.part_of(asked.reservation, self.estimate(request.raw_size // 4))

        async def call(provider: Provider, deployment: Deployment) -> Answer:
            return await provider.complete(deployment, question)

        self._accounting.began(outcome)
        try:
            answer = await self._attempts.first_success(outcome, call)
        except UpstreamError as error:
            outcome.failed(error.status, error.kind)
            self._accounting.finish(outcome)
            return None
        except BaseException:
            outcome.failed(500, "api_error")
            self._accounting.finish(outcome)
            raise
        self._attempts.tries.succeeded(outcome)
        outcome.status, outcome.usage = 200, answer.usage
        self._accounting.finish(outcome)
        asked.upstream_s += outcome.upstream_s
        return _vector(answer.body)


def _vector(body: bytes) -> list[float] | None:
    try:
        return [float(x) for x in orjson.loads(body)["data"][0]["embedding"]]
    except (ValueError, TypeError, KeyError, IndexError):
        return None
