"""A cache gives the same answer to the same question of the same owner, for as long as it may, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cache import Controls, Entry, MemoryStore, identity_of
from gateway.cache.redis_store import _bytes, _entry
from gateway.cache.semantic import SemanticIndex, question_of
from gateway.errors import ApiError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def entry(body: bytes = b"{}") -> Entry:
    return Entry(body, "d-0", 1.0)


def chat(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


def test_an_entry_lives_as_long_as_it_may() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)

    async def run() -> None:
        await store.put(b"a", entry(), 10)
        clock.now = 9.9
        assert await store.get(b"a") == entry()
        clock.now = 10
        assert await store.get(b"a") is None

    asyncio.run(run())


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 3000)), max_size=40))
def test_the_store_never_holds_more_than_its_bytes(puts: list[tuple[int, int]]) -> None:
    store = MemoryStore(most_bytes=5000)

    async def run() -> None:
        for name, size in puts:
            await store.put(bytes([name]), entry(b"x" * size), 60)
            assert sum(len(body) + 300 for _, body, _, _ in store._kept.values()) == store._bytes <= 5000

    asyncio.run(run())


def test_the_least_lately_used_goes_first() -> None:
    store = MemoryStore(most_bytes=1000)

    async def run() -> None:
        await store.put(b"a", entry(b"x" * 100), 60)
        await store.put(b"b", entry(b"x" * 100), 60)
        assert await store.get(b"a")
        await store.put(b"c", entry(b"x" * 100), 60)
        assert await store.get(b"a")
        assert await store.get(b"b") is None

    asyncio.run(run())


def test_the_order_of_fields_and_who_asks_in_which_form_do_not_matter() -> None:
    body = chat("hi", temperature=0)
    same = {"temperature": 0, **chat("hi"), "stream": True, "user": "u", "metadata": {"x": 1}, "cache": {"ttl": 1}}
    assert identity_of("chat", body, "k") == identity_of("chat", same, "k")


@pytest.mark.parametrize(
    "other",
    [
        ("chat", chat("hi", temperature=1), "k", ""),
        ("chat", chat("ho", temperature=0), "k", ""),
        ("chat", chat("hi", temperature=0), "other", ""),
        ("chat", chat("hi", temperature=0), "k", "space"),
        ("messages", chat("hi", temperature=0), "k", ""),
    ],
)
def test_every_other_difference_does(other: tuple[str, dict[str, Any], str, str]) -> None:
    assert identity_of("chat", chat("hi", temperature=0), "k") != identity_of(*other)


def test_a_request_may_say_how_it_wants_to_be_cached() -> None:
    body = {"cache": {"no-cache": True, "no-store": True, "ttl": 5, "s-maxage": 2.5, "namespace": "n"}}
    assert Controls.parse(body) == Controls(False, False, 5.0, 2.5, "n")
    assert Controls.parse({}) == Controls()


@pytest.mark.parametrize("bad", [1, {"ttl": "x"}, {"ttl": -1}, {"ttl": True}, {"no-cache": "yes"}])
def test_a_wrong_wish_is_refused(bad: object) -> None:
    with pytest.raises(ApiError):
        Controls.parse({"cache": bad})


def test_an_entry_survives_its_way_through_redis_and_foreign_values_do_not() -> None:
    assert _entry(_bytes(entry(b'{"a":1}\n{"b":2}'))) == entry(b'{"a":1}\n{"b":2}')
    for foreign in (b"", b"x", b"[1]\n{}", b"null\n", b"[1,2]", b"[1,2,3]\n"):
        assert _entry(foreign) is None


def test_a_question_that_means_the_same_is_found_and_another_is_not() -> None:
    index = SemanticIndex(similarity=0.9)
    index.add(b"g", [1.0, 0.1, 0.0], b"one", 60)
    index.add(b"g", [0.0, 1.0, 0.0], b"two", 60)
    found = index.nearest(b"g", [2.0, 0.25, 0.0])
    assert found is not None
    assert found[0] == b"one"
    assert 0.99 < found[1] <= 1.0001
    assert index.nearest(b"g", [1.0, 1.0, 1.0]) is None
    assert index.nearest(b"other", [1.0, 0.1, 0.0]) is None
    assert index.nearest(b"g", [1.0, 0.1]) is None


def test_the_index_forgets_what_is_old_and_what_is_too_much() -> None:
    clock = Clock()
    index = SemanticIndex(similarity=0.9, most=2, clock=clock)
    for number in range(3):
        index.add(b"g", [1.0 if n == number else 0.0 for n in range(3)], b"x", 60)
    assert index.nearest(b"g", [1.0, 0.0, 0.0]) is None
    assert index.nearest(b"g", [0.0, 0.0, 1.0]) is not None
    clock.now = 60
    assert index.nearest(b"g", [0.0, 0.0, 1.0]) is None


def test_only_text_is_compared_by_meaning() -> None:
    assert question_of(chat("hi")) == "user: hi"
    assert question_of(chat("hi", tools=[{}])) is None
    assert question_of({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}) is None
    assert question_of({"input": "x"}) is None
