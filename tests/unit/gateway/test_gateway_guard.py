"""The loop guard notices what a loop is, leaves honest traffic alone, and never grows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.guard import GuardPolicy, Reason, Watch
from gateway.guard.fingerprint import fingerprints

POLICY = GuardPolicy(repeats=5, window_s=60, turns=4, context_bytes=1000)


def chat(*texts: Any, model: str = "m") -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text} for text in texts]}


def test_a_key_that_repeats_itself_is_noticed_at_the_limit() -> None:
    watch = Watch(POLICY)
    seen = [watch.examine("k", chat(f"retry {n} of task 7"), 50, float(n)) for n in range(6)]
    assert seen == [None] * 4 + [Reason.REPEATS] * 2


def test_another_key_or_another_subject_is_another_count() -> None:
    watch = Watch(POLICY)
    for n in range(4):
        assert watch.examine("k", chat("same"), 50, float(n)) is None
    assert watch.examine("other", chat("same"), 50, 5.0) is None
    assert watch.examine("k", chat("something else"), 50, 5.0) is None
    assert watch.examine("k", chat("same", model="n"), 50, 5.0) is None


def test_repeats_are_forgotten_when_the_window_has_passed() -> None:
    watch = Watch(POLICY)
    assert all(watch.examine("k", chat("same"), 50, n * 16.0) is None for n in range(40))


def test_a_conversation_that_only_grows_is_noticed() -> None:
    watch = Watch(POLICY)
    texts = ["system", "question"]
    found = []
    for n in range(6):
        texts.append(f"{chr(97 + n)} step")
        found.append(watch.examine("k", chat(*texts), 400 * (n + 1), n * 100.0))
    assert found == [None, None, None, Reason.GROWTH, Reason.GROWTH, Reason.GROWTH]


def test_a_long_conversation_that_stays_small_is_no_loop() -> None:
    watch = Watch(POLICY)
    assert all(watch.examine("k", chat("s", "q", f"{chr(97 + n)}"), 10 + n, n * 100.0) is None for n in range(20))


def test_forgetting_a_key_starts_it_anew() -> None:
    watch = Watch(POLICY)
    for n in range(5):
        watch.examine("k", chat("same"), 50, float(n))
    watch.forget("k")
    assert watch.examine("k", chat("same"), 50, 6.0) is None


@pytest.mark.parametrize("other", ["Task 12, try 4", "task 12,   TRY 99", "task 7, try 1"])
def test_numbers_case_and_white_space_do_not_make_a_new_subject(other: str) -> None:
    assert fingerprints(chat("task 12, try 3"))[0] == fingerprints(chat(other))[0]
    assert fingerprints(chat("task 12, try 3"))[0] != fingerprints(chat("task 12, give up"))[0]


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["content", "text", "type", "role"]), inner)
    ),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional={"model": json, "messages": json, "input": json, "prompt": json}))
def test_no_shape_of_a_request_is_too_strange(body: dict[str, Any]) -> None:
    assert Watch(POLICY).examine("k", body, 1, 0.0) is None
    assert fingerprints(body) == fingerprints(body)


def test_the_memory_is_bounded() -> None:
    watch = Watch(POLICY)
    for n in range(5000):
        watch.examine(f"k{n}", chat("x"), 1, 0.0)
    for n in range(100):
        watch.examine("k", chat(chr(0x4E00 + n)), 1, 0.0)
    assert len(watch._keys) == 4096
    assert len(watch._keys["k"].subjects) == 32
