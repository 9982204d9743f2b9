"""Keys fetched by URL from a real server: once, bounded, and never anything but the pinned one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackctl.images.key_files import KeyStore, sha256_of
from stackctl.images.outcome import Outcome, Stopped
from stackctl.images.registry.http import Http
from stackctl.spec.images import PublicKey
from tests.integration.images.servers import Asked, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
COMMIT = "0112e53046018d726492c814b3644b7d376029d0"


def reply(asked: Asked) -> Reply:
    name = asked.path.rpartition("/")[2]
    if name == "moved.pub":
        return 302, {"location": asked.path.replace("moved", "cosign")}, b""
    contents = {"cosign.pub": KEY, "huge.pub": b"x" * 100_000, "other.pub": b"another key"}
    return (200, {}, contents[name]) if name in contents else (404, {}, KEY)


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server(reply)
    yield started
    started.stop()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KeyStore]:
    http = Http()
    yield KeyStore(http, tmp_path, tmp_path / "kept")
    http.close()


def key_at(server: Server, name: str) -> PublicKey:
    return PublicKey(url=f"{server.url}/acme/{COMMIT}/{name}", sha256=sha256_of(KEY))


def test_a_key_is_fetched_once_and_kept_for_offline_days(server: Server, store: KeyStore) -> None:
    key = key_at(server, "cosign.pub")
    assert [store.load(key), store.load(key)] == [KEY, KEY]
    assert len(server.asked) == 1


def test_a_kept_key_that_was_changed_is_fetched_again(server: Server, store: KeyStore, tmp_path: Path) -> None:
    key = key_at(server, "cosign.pub")
    store.load(key)
    (kept,) = (tmp_path / "kept").iterdir()
    kept.write_bytes(b"planted")
    assert store.load(key) == KEY
    assert kept.read_bytes() == KEY
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.pub", "HTTP 404"),  # its body is the right key, and still no answer
        ("other.pub", "not the pinned key"),
        ("moved.pub", "redirects"),
        ("huge.pub", "more than"),
    ],
)
def test_anything_but_the_pinned_key_is_unreachable(
    server: Server, store: KeyStore, tmp_path: Path, name: str, said: str
) -> None:
    with pytest.raises(Stopped, match=said) as stopped:
        store.load(key_at(server, name))
    assert stopped.value.outcome is Outcome.UNREACHABLE
    assert not (tmp_path / "kept").exists()


def test_a_server_that_is_down_is_unreachable(server: Server, store: KeyStore) -> None:
    key = key_at(server, "cosign.pub").model_copy(update={"url": f"http://127.0.0.1:1/{COMMIT}/cosign.pub"})
    with pytest.raises(Stopped) as stopped:
        store.load(key)
    assert stopped.value.outcome is Outcome.UNREACHABLE


def test_a_cache_that_cannot_be_written_does_not_matter(server: Server, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where a directory should be")
    http = Http()
    assert KeyStore(http, tmp_path, tmp_path / "kept").load(key_at(server, "cosign.pub")) == KEY
    http.close()
