"""The inbox answers like Slack, and its page shows nothing but text."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from stackctl.proof.inbox import Store, create_app
from stackctl.proof.inbox.app import MAX_BODY_BYTES
from stackctl.proof.inbox.mrkdwn import to_html


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.close()


def call(store: Store, method: str, path: str, **options: Any) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=create_app(store))
        async with httpx.AsyncClient(transport=transport, base_url="http://inbox") as http:
            return await http.request(method, path, **options)

    return asyncio.run(send())


def test_the_runbook_an_alert_links_to_is_served_and_nothing_else_is(store: Store) -> None:
    page = call(store, "GET", "/runbooks/LitellmHighErrorRate")
    assert page.status_code == 200
    assert page.text.startswith("# LitellmHighErrorRate\n\n## Meaning\n")
    assert page.headers["content-type"].startswith("text/plain")
    for other in ("LitellmNoSuchAlert", "..%2F..%2FREADME", "README.md"):
        assert call(store, "GET", f"/runbooks/{other}").status_code == 404


def test_a_slack_message_is_answered_ok_and_kept_untouched(store: Store) -> None:
    payload = {"channel": "#llm", "attachments": [{"title": "[FIRING:1] A", "color": "danger", "unknown": [1]}]}
    answer = call(store, "POST", "/slack", json=payload)
    assert (answer.status_code, answer.text) == (200, "ok")
    listed = call(store, "GET", "/messages").json()
    assert listed["last"] == 1
    assert listed["messages"][0]["payload"] == payload
    assert listed["messages"][0]["state"] == "firing"


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        ("/slack", b"not json", 400, "invalid_payload"),
        ("/slack", b"[1]", 400, "invalid_payload"),
        ("/slack", b"\xff", 400, "invalid_payload"),
        ("/slack", b"[" * 100_000, 400, "invalid_payload"),
        ("/slack", b'{"channel": "#x"}', 400, "no_text"),
        ("/slack", b"x" * (MAX_BODY_BYTES + 1), 413, "payload_too_large"),
        ("/webhook", b'{"status": "firing"}', 400, "no_alerts"),
    ],
)
def test_what_is_no_message_is_refused_in_slacks_words(
    store: Store, path: str, body: bytes, status: int, word: str
) -> None:
    answer = call(store, "POST", path, content=body)
    assert (answer.status_code, answer.text) == (status, word)
    assert store.messages() == []


def test_a_full_disk_is_a_503_so_that_alertmanager_tries_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    answer = call(store, "POST", "/slack", json={"text": "x"})
    assert (answer.status_code, answer.text) == (503, "not_stored: No space left on device")
    monkeypatch.undo()
    assert call(store, "POST", "/slack", json={"text": "y"}).text == "ok"
    assert [m.payload for m in store.messages()] == [{"text": "y"}]


def test_deleting_empties_the_inbox(store: Store) -> None:
    store.add("slack", {"text": "x"})
    assert call(store, "DELETE", "/messages").json() == {"deleted": 1}
    assert call(store, "GET", "/messages").json() == {"last": 1, "messages": []}


def test_a_number_that_is_none_is_refused(store: Store) -> None:
    assert call(store, "GET", "/messages?since=abc").status_code == 400


def test_health_tells_the_version(store: Store) -> None:
    assert call(store, "GET", "/health").json()["status"] == "ok"


EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.mark.parametrize(
    ("source", "payload"),
    [
        ("slack", {"text": EVIL, "channel": EVIL, "username": EVIL}),
        ("slack", {"attachments": [{"title": EVIL, "text": EVIL, "fields": [{"title": EVIL, "value": EVIL}]}]}),
        ("slack", {"attachments": [{"title": "t", "title_link": "javascript:alert(1)", "color": '"><b>'}]}),
        ("slack", {"text": '<https://x/"onmouseover="alert(1)|click> <javascript:alert(1)|no> &lt;script&gt;'}),
        ("slack", {"attachments": [{"fields": "odd"}, 3], "text": 5}),
        ("webhook", {"alerts": [{"labels": {EVIL: EVIL}, "annotations": {"summary": EVIL}}, "odd"]}),
    ],
)
def test_nothing_in_a_message_becomes_markup_of_the_page(store: Store, source: str, payload: dict) -> None:
    store.add(source, payload)
    page = call(store, "GET", "/").text
    assert page.count("<script") == 1
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert '"onmouseover="' not in page


def test_the_page_shows_the_newest_message_first_with_its_state(store: Store) -> None:
    store.add("slack", {"attachments": [{"title": "[FIRING:1] Older", "color": "danger"}]})
    store.add("slack", {"attachments": [{"title": "[RESOLVED] Newer", "color": "good"}]})
    answer = call(store, "GET", "/")
    assert answer.text.index("Newer") < answer.text.index("Older")
    assert 'class="attachment resolved"' in answer.text
    assert 'class="attachment firing"' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_slack_markup_is_drawn() -> None:
    text = "*bold* _it_ `a*b*c` <https://e.org/?a=1&amp;b=2|a link>\nR&amp;D 2*3*4"
    assert str(to_html(text)) == (
        '<b>bold</b> <i>it</i> <code>a*b*c</code> <a href="https://e.org/?a=1&amp;b=2" rel="noopener noreferrer">'
        "a link</a><br>R&amp;D 2*3*4"
    )


def test_the_api_is_json_with_times_in_milliseconds(store: Store) -> None:
    store.add("slack", {"text": "x"})
    message = json.loads(call(store, "GET", "/messages").text)["messages"][0]
    assert set(message) == {"seq", "received", "source", "state", "channel", "payload"}
    assert len(message["received"]) == len("2026-01-01T00:00:00.000Z")
