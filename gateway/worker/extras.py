"""The cache and the loop guard of a worker, from the config; None where they are not wanted."""

from __future__ import annotations

import logging
from typing import Any

from gateway.api.accounting import Accounting
from gateway.api.admission import Admission
from gateway.api.attempts import Attempts
from gateway.api.caching import Caching, Meaning
from gateway.api.embedding import Embedder
from gateway.api.guarding import Guard
from gateway.cache import MemoryStore, Scope, Store
from gateway.cache.redis_questions import RedisQuestions
from gateway.cache.semantic import SemanticIndex
from gateway.config import Cache, Config
from gateway.errors import AccountantGoneError, ApiError
from gateway.guard import Action, GuardPolicy
from gateway.limits import Gate
from gateway.limits.link import AccountantLink
from gateway.metrics.recorder import Recorder
from gateway.routing import Router

_log = logging.getLogger("gateway.worker")
_PATIENCE_S = 0.25


def cache_of(
    config: Config, router: Router, recorder: Recorder, attempts: Attempts, accounting: Accounting, gate: Gate,
    admission: Admission,
) -> Caching | None:  # fmt: skip
    """The cache; a semantic one makes every request reserve what its question's embedding may cost."""
    wanted = config.cache
    if wanted is None:
        return None
    store, shared = _store(wanted, config.instance)
    meaning = None
    if wanted.embedding_model is not None:
        embedder = Embedder(wanted.embedding_model, router, attempts, accounting, gate)
        admission.surcharge = embedder.estimate
        meaning = Meaning(SemanticIndex(wanted.similarity), embedder, shared)
    return Caching(store, Scope(wanted.scope), wanted.ttl_s, wanted.opt_in, router, recorder, meaning)


def guard_of(config: Config, router: Router, recorder: Recorder, link: AccountantLink) -> Guard | None:
    """The loop guard."""
    wanted = config.loop_guard
    if wanted is None:
        return None
    policy = GuardPolicy(Action(wanted.action), wanted.window_s, wanted.repeats, wanted.turns, wanted.context_bytes)

    async def block(key_hash: str) -> None:
        try:
            await link.ask({"op": "admin", "path": "/key/block", "body": {"key": key_hash}, "by": "loop guard"})
        except (AccountantGoneError, ApiError) as error:
            _log.error("a key that loops could not be blocked: %s", error)

    return Guard(policy, router, recorder, block)


def _store(wanted: Cache, instance: str) -> tuple[Store, RedisQuestions | None]:
    if wanted.backend == "memory":
        return MemoryStore(wanted.most_bytes), None
    # Imported here: it is large, and most gateways have no Redis.
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    from gateway.cache.redis_store import Calm, RedisStore

    patience: dict[str, Any] = {
        "socket_timeout": _PATIENCE_S,
        "socket_connect_timeout": _PATIENCE_S,
        "retry": Retry(NoBackoff(), 1),
    }
    if wanted.url is not None:
        redis = Redis.from_url(wanted.url, **patience)
    else:
        host, _, port = (wanted.address or "").rpartition(":")
        redis = Redis(host=host, port=int(port), password=wanted.password, **patience)
    prefix, calm = f"stackctl:{instance}:cache:", Calm()
    return RedisStore(redis, prefix, calm), RedisQuestions(redis, prefix, calm)
