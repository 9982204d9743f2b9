"""Google's Gemini API: chat completions and embeddings by translation."""

from __future__ import annotations

import orjson

from gateway.config import Deployment, known
from gateway.errors import UpstreamError
from gateway.providers.address import gemini_target
from gateway.providers.base import Answer, Request, Stream
from gateway.providers.failure import refusal
from gateway.providers.openai import open_events
from gateway.providers.translated_stream import TranslatedStream
from gateway.providers.translating import translated
from gateway.providers.usage import from_gemini
from gateway.tokens import Usage
from gateway.translate.outbound.gemini_answer import GeminiReader, from_answer, from_embeddings
from gateway.translate.outbound.gemini_request import to_embeddings, to_gemini
from gateway.upstream import Client, Target

_BROKEN = (ValueError, TypeError, KeyError, AttributeError, IndexError)


class GeminiProvider:
    """`generateContent`, `streamGenerateContent?alt=sse` and `batchEmbedContents`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._targets: dict[tuple[str, str], Target] = {}

    def kinds(self, deployment: Deployment) -> frozenset[str]:
        """As the table says."""
        return known(deployment.provider).kinds

    async def complete(self, deployment: Deployment, request: Request) -> Answer:
        """One call. Raises UpstreamError."""
        if request.kind == "embeddings":
            return await self._embed(deployment, request)
        body = orjson.dumps(translated(lambda asked: to_gemini(asked, deployment.model), request.body))
        raw = await self._post(deployment, "generateContent", body)
        try:
            parsed = orjson.loads(raw)
            told = parsed.get("usageMetadata")
            usage = from_gemini(told) if told else Usage(request.raw_size // 4, len(raw) // 4, estimated=True)
            return Answer(orjson.dumps(from_answer(parsed, usage, deployment.model)), usage)
        except _BROKEN:
            raise UpstreamError(502, "api_error", "the upstream's answer is not what its API promises") from None

    async def stream(self, deployment: Deployment, request: Request) -> Stream:
        """Open a stream. Raises UpstreamError."""
        body = orjson.dumps(translated(lambda asked: to_gemini(asked, deployment.model), request.body))
        target = self._target(deployment, "streamGenerateContent?alt=sse")
        events = await open_events(self._client, target, body, deployment)
        return TranslatedStream(events, GeminiReader(deployment.model), request, deployment)

    async def close(self) -> None:
        """Close pooled connections."""
        await self._client.close()

    async def _embed(self, deployment: Deployment, request: Request) -> Answer:
        body = translated(lambda asked: to_embeddings(asked, deployment.model), request.body)
        raw = await self._post(deployment, "batchEmbedContents", orjson.dumps(body))
        # Gemini does not say what an embedding took.
        usage = Usage(request.raw_size // 4, estimated=True)
        try:
            return Answer(orjson.dumps(from_embeddings(orjson.loads(raw), request.body, usage)), usage)
        except (*_BROKEN, OverflowError):
            raise UpstreamError(502, "api_error", "the upstream's answer is not what its API promises") from None

    async def _post(self, deployment: Deployment, method: str, body: bytes) -> bytes:
        reply = await self._client.post(self._target(deployment, method), body, deployment.timeouts)
        if reply.status != 200:
            raise refusal(deployment, reply.status, reply.headers, reply.rest())
        return reply.rest()

    def _target(self, deployment: Deployment, method: str) -> Target:
        key = (deployment.id, method)
        target = self._targets.get(key)
        if target is None:
            target = self._targets[key] = gemini_target(deployment, method)
        return target
