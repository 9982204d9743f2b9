"""The inbox keeps what it said it kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackctl.proof.inbox import Store, StoreInUseError


def texts(store: Store) -> list[str]:
    return [message.payload["text"] for message in store.messages()]


def test_messages_survive_a_restart_in_order_and_with_their_numbers(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for text in ("one", "two"):
        store.add("slack", {"text": text})
    store.close()
    again = Store(tmp_path)
    assert [(m.seq, m.payload["text"]) for m in again.messages()] == [(1, "one"), (2, "two")]
    assert again.add("slack", {"text": "three"}).seq == 3


def test_a_line_cut_in_half_by_a_crash_is_dropped_and_the_next_one_is_whole(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add("slack", {"text": "whole"})
    store.close()
    with (tmp_path / "messages.jsonl").open("ab") as file:
        file.write(b'{"seq":2,"received":1.0,"source":"sla')
    reopened = Store(tmp_path)
    reopened.add("slack", {"text": "after"})
    reopened.close()
    assert texts(Store(tmp_path)) == ["whole", "after"]


def test_a_damaged_line_costs_itself_only(tmp_path: Path) -> None:
    good = json.dumps({"seq": 7, "received": 1.0, "source": "slack", "payload": {"text": "good"}})
    (tmp_path / "messages.jsonl").write_text(f"not json\n[]\n{good}\n")
    store = Store(tmp_path)
    assert texts(store) == ["good"]
    assert store.last == 7


def test_the_disk_use_is_bounded_and_the_newest_messages_stay(tmp_path: Path) -> None:
    store = Store(tmp_path, max_bytes=2000)
    for number in range(200):
        store.add("slack", {"text": f"message {number}"})
    store.close()
    sizes = [path.stat().st_size for path in tmp_path.glob("messages*.jsonl")]
    assert len(sizes) == 2
    assert sum(sizes) <= 4000
    reopened = Store(tmp_path, max_bytes=2000)
    assert texts(reopened)[-1] == "message 199"
    assert reopened.last == 200


def test_memory_holds_the_newest_messages_only(tmp_path: Path) -> None:
    store = Store(tmp_path, max_messages=3)
    for number in range(5):
        store.add("slack", {"text": str(number)})
    assert texts(store) == ["2", "3", "4"]


def test_clearing_forgets_messages_but_never_reuses_a_number(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add("slack", {"text": "old"})
    assert store.clear() == 1
    store.close()
    reopened = Store(tmp_path)
    assert reopened.messages() == []
    assert reopened.add("slack", {"text": "new"}).seq == 2


def test_two_stores_in_one_directory_are_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(StoreInUseError, match="another inbox"):
        Store(tmp_path)
    store.close()
    Store(tmp_path).close()


def test_messages_are_selected_by_number_and_by_every_text(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for text in ('Ünïcode "quoted"', "plain a", "plain b"):
        store.add("slack", {"text": text})
    assert [m.seq for m in store.messages(since=1)] == [2, 3]
    assert [m.seq for m in store.messages(contains=["plain", "b"])] == [3]
    assert [m.seq for m in store.messages(contains=['Ünïcode "quoted"'])] == [1]


@pytest.mark.parametrize(
    ("source", "payload", "state"),
    [
        ("slack", {"attachments": [{"title": "[FIRING:1] A"}]}, "firing"),
        ("slack", {"attachments": [{"title": "[RESOLVED] A", "color": "danger"}]}, "resolved"),
        ("slack", {"attachments": [{"color": "good", "text": "fine"}]}, "resolved"),
        ("slack", {"text": "[FIRING:2] B"}, "firing"),
        ("slack", {"text": "hello"}, "info"),
        ("slack", {"attachments": "nonsense", "text": "x"}, "info"),
        ("webhook", {"status": "resolved", "alerts": []}, "resolved"),
        ("webhook", {"alerts": []}, "info"),
    ],
)
def test_the_state_is_read_from_title_colour_or_status(tmp_path: Path, source: str, payload: dict, state: str) -> None:
    assert Store(tmp_path).add(source, payload).state == state
