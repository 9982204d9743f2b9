"""However a request ends, it is no longer under way: writes are gathered by that count, and looking for events too."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.gateway.leaving import ASK, HALF, left_after


@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        ([ASK, ASK, ASK], 3),
        ([ASK * 5], 5),
        ([HALF], 1),
        ([HALF, b"1234567", ASK], 2),
        ([ASK.replace(b"/x", b"/slow")], 0),
        ([b"nonsense\r\n\r\n"], 0),
        ([ASK, b"nonsense\r\n\r\n"], 1),
    ],
    ids=["repeated", "ahead", "half", "early", "left", "nonsense", "nonsense later"],
)
def test_nothing_is_under_way_when_a_client_has_left(sent: list[bytes], answers: int) -> None:
    assert asyncio.run(left_after(sent, answers)) == (0, 0)
