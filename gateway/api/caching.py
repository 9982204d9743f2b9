"""The cache as an endpoint uses it: what to ask it, what it knows, what it is to keep."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from gateway import clock
from gateway.api.exchange import Exchange
from gateway.api.outcome import Outcome
from gateway.cache import Batches, Controls, Entry, MemoryStore, Scope, Store, identity_of
from gateway.cache.redis_questions import RedisQuestions
from gateway.cache.semantic import SemanticIndex, question_of
from gateway.limits import Pass
from gateway.metrics.meter import Number
from gateway.metrics.recorder import Recorder
from gateway.providers import Answer, Request
from gateway.routing import Router, Step

Embed = Callable[[str, Outcome, Request], Awaitable[Sequence[float] | None]]
"""A question → its vector, paid by the outcome's key; None when it cannot be had."""


class Question:
    """One request as the cache sees it. `group` and `vector` are set where meaning is compared, `entry` where an answer
    was found at once.
    """

    __slots__ = ("controls", "entry", "group", "identity", "vector")

    def __init__(self, identity: bytes, controls: Controls) -> None:
        self.identity = identity
        self.controls = controls
        self.group = b""
        self.vector: Sequence[float] | None = None
        self.entry: Entry | None = None

    @property
    def shareable(self) -> bool:
        """Whether its answer may be shared with others who ask the same at the same time."""
        return self.controls.read and self.controls.write


class Meaning:
    """What a semantic cache adds."""

    def __init__(self, index: SemanticIndex, embed: Embed, shared: RedisQuestions | None = None) -> None:
        """`shared`: what other workers have been asked."""
        self._index = index
        self._shared = shared
        self.embed = embed

    async def nearest(self, group: bytes, vector: Sequence[float]) -> bytes | None:
        """The identity of the nearest question that is near enough."""
        if self._shared is not None:
            for known, identity, ttl_s in await self._shared.news(group):
                self._index.add(group, known, identity, ttl_s)
        found = self._index.nearest(group, vector)
        return found[0] if found is not None else None

    async def add(self, group: bytes, vector: Sequence[float], identity: bytes, ttl_s: float) -> None:
        """A question whose answer is kept now; what is told to all comes back as news."""
        if self._shared is not None:
            await self._shared.add(group, vector, identity, ttl_s)
        else:
            self._index.add(group, vector, identity, ttl_s)


class Caching:
    """Bound to one worker. `opt_in`: only requests that ask for it."""

    def __init__(
        self, store: Store, scope: Scope, ttl_s: float, opt_in: bool, router: Router, recorder: Recorder,
        meaning: Meaning | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._scope = scope
        self._ttl_s = ttl_s
        self._opt_in = opt_in
        self._router = router
        self._recorder = recorder
        self._meaning = meaning
        self.batches: Batches[tuple[Answer, Step | None]] = Batches()
        # Where nobody needs to wait for it.
        self._memory = store if isinstance(store, MemoryStore) and meaning is None else None
        self._forms: dict[tuple[str, bool, bool], str] = {}
        self._counts: dict[tuple[str, str], Number] = {}

    def question(self, exchange: Exchange, outcome: Outcome, request: Request) -> Question | None:
        """What to ask, or None for a request that is not cached. Raises ApiError 400."""
        model = self._router.models.get(outcome.model)
        if outcome.key is None or request.kind == "count_tokens" or model is None or model.hidden:
            return None
        header = exchange.headers.get(b"cache-control")
        controls = Controls.parse(request.body, "" if header is None else header.decode("latin-1"))
        if not (controls.read or controls.write) or (self._opt_in and not controls.wanted):
            return None
        form = self._form(request)
        owner = self._owner(outcome.key)
        question = Question(identity_of(form, request.body, owner, controls.namespace), controls)
        if self._meaning is not None:
            without = {name: value for name, value in request.body.items() if name != "messages"}
            question.group = identity_of(form, without, owner, controls.namespace)
        return question

    @property
    def at_once(self) -> bool:
        """Whether `find` and `keep_at_once` can be used."""
        return self._memory is not None

    def find(self, question: Question, outcome: Outcome) -> Entry | None:
        """As `look_up`, of a question that may be read, without waiting."""
        found = None if self._memory is None else self._memory.find(question.identity)
        return self._counted(self._fresh(question, found), outcome)

    async def look_up(self, question: Question, outcome: Outcome, request: Request) -> Entry | None:
        """An answer that was bought before; counted as a hit or a miss."""
        if not question.controls.read:
            return None
        entry = self._fresh(question, await self._store.get(question.identity))
        if entry is None and self._meaning is not None:
            entry = self._fresh(question, await self._near(self._meaning, question, outcome, request))
        return self._counted(entry, outcome)

    def missed(self, outcome: Outcome) -> None:
        """The request could have been answered from the cache and is not."""
        outcome.cache = "miss"
        self._count("litellm_cache_misses_total", outcome.model)

    def keep_at_once(self, question: Question, outcome: Outcome, body: bytes) -> None:
        """As `keep`, of a question that may be written, without waiting."""
        if self._memory is not None:
            self._memory.keep(question.identity, body, _giver(outcome), clock.now(), self._ttl_of(question))

    async def keep(self, question: Question, outcome: Outcome, body: bytes) -> None:
        """Remember a whole answer."""
        if not question.controls.write:
            return
        ttl_s = self._ttl_of(question)
        await self._store.put(question.identity, Entry(body, _giver(outcome), clock.now()), ttl_s)
        if self._meaning is not None and question.vector is not None and ttl_s > 0:
            await self._meaning.add(question.group, question.vector, question.identity, ttl_s)

    async def close(self) -> None:
        """Give up connections."""
        await self._store.close()

    async def _near(self, meaning: Meaning, question: Question, outcome: Outcome, request: Request) -> Entry | None:
        text = question_of(request.body)
        if text is None:
            return None
        question.vector = await meaning.embed(text, outcome, request)
        if question.vector is None:
            return None
        identity = await meaning.nearest(question.group, question.vector)
        return await self._store.get(identity) if identity is not None else None

    def _fresh(self, question: Question, entry: Entry | None) -> Entry | None:
        most = question.controls.max_age_s
        if entry is None or (most is not None and clock.now() - entry.stored > most):
            return None
        return entry

    def _counted(self, entry: Entry | None, outcome: Outcome) -> Entry | None:
        if entry is None:
            self.missed(outcome)
            return None
        outcome.cache = "hit"
        self._count("litellm_cache_hits_total", outcome.model)
        return entry

    def _count(self, name: str, model: str) -> None:
        number = self._counts.get((name, model)) or self._recorder.number(name, model)
        if number is not None:
            self._counts[name, model] = number
            number.add(1.0)

    def _ttl_of(self, question: Question) -> float:
        asked = question.controls.ttl_s
        return self._ttl_s if asked is None else asked

    def _form(self, request: Request) -> str:
        """A stream is kept as its events, so it answers streams only."""
        if request.headers:
            return f"{request.kind} {request.stream} {request.wants_usage} {sorted(request.headers.items())}"
        which = request.kind, request.stream, request.wants_usage
        if which not in self._forms:
            self._forms[which] = "{} {} {} []".format(*which)
        return self._forms[which]

    def _owner(self, key: Pass) -> str:
        if self._scope is Scope.ALL:
            return ""
        # A key without a team is a team of its own.
        return f"team {key.team_id}" if self._scope is Scope.TEAM and key.team_id else f"key {key.hash}"


def _giver(outcome: Outcome) -> str:
    """The deployment that gave an answer."""
    return outcome.step.deployment.id if outcome.step is not None else ""
