"""A registry that misbehaves: what is read from it is bounded, and its redirects are not trusted."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from stackctl.images.outcome import Outcome, Stopped
from stackctl.images.reference import parse_reference
from stackctl.images.registry import Addresses, Place, Registry
from stackctl.images.registry.http import Http
from tests.integration.images.servers import Asked, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

JSON = {"content-type": "application/json"}


@pytest.fixture
def registry() -> Iterator[Registry]:
    opened = Registry()
    yield opened
    opened.http.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Asked], Reply]], Place]]:
    servers: list[Server] = []

    def start(reply: Callable[[Asked], Reply]) -> Place:
        servers.append(Server(reply))
        return Addresses().place_of(parse_reference(f"{servers[-1].url.removeprefix('http://')}/acme/app:v1"))

    yield start
    for server in servers:
        server.stop()


def resolve(registry: Registry, place: Place) -> Outcome:
    with pytest.raises(Stopped) as stopped:
        registry.resolve(place, parse_reference(f"{place.name}:v1"))
    assert "\n" not in stopped.value.message
    return stopped.value.outcome


def test_tags_are_read_page_by_page(registry: Registry, serve) -> None:
    def pages(asked: Asked) -> Reply:
        if "last=b" in asked.path:
            return 200, JSON, json.dumps({"tags": ["c", "-x", "d"]}).encode()
        link = {"link": '</v2/acme/app/tags/list?n=1000&last=b>; rel="next"'}
        return 200, JSON | link, json.dumps({"tags": ["a", "b"]}).encode()

    assert registry.tags(serve(pages)) == ["a", "b", "c", "d"]


def test_endless_pages_and_pages_elsewhere_end(registry: Registry, serve) -> None:
    link = {"link": '</v2/acme/app/tags/list?n=1000&last=a>; rel="next"'}
    assert set(registry.tags(serve(lambda _: (200, JSON | link, b'{"tags": ["a"]}')))) == {"a"}
    away = {"link": '<http://127.0.0.1:1/v2/acme/app/tags/list>; rel="next"'}
    assert registry.tags(serve(lambda _: (200, JSON | away, b'{"tags": ["a"]}'))) == ["a"]


def test_an_unknown_repository_is_missing(registry: Registry, serve) -> None:
    with pytest.raises(Stopped) as stopped:
        registry.tags(serve(lambda _: (404, {}, b"")))
    assert stopped.value.outcome is Outcome.MISSING


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ((404, {}, b""), Outcome.MISSING),
        ((403, {}, b""), Outcome.UNREACHABLE),
        ((401, {}, b""), Outcome.UNREACHABLE),
        ((401, {"www-authenticate": 'Bearer realm="http://192.0.2.1/token"'}, b""), Outcome.UNREACHABLE),
        ((401, {"www-authenticate": 'Bearer realm="file:///etc/passwd"'}, b""), Outcome.UNREACHABLE),
        ((401, {"www-authenticate": "Negotiate"}, b""), Outcome.UNREACHABLE),
        ((429, {}, b""), Outcome.UNREACHABLE),
        ((500, {}, b""), Outcome.UNREACHABLE),
        ((302, {"location": "/v2/acme/app/manifests/v1"}, b""), Outcome.UNREACHABLE),
        ((302, {"location": "file:///etc/passwd"}, b""), Outcome.UNREACHABLE),
        ((200, {}, b"x" * (4 * 1024 * 1024 + 1)), Outcome.UNREACHABLE),
    ],
)
def test_every_answer_but_a_manifest_ends_in_its_outcome(
    registry: Registry, serve, reply: Reply, outcome: Outcome
) -> None:
    assert resolve(registry, serve(lambda _: reply)) is outcome


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "dripping"])
def test_a_registry_that_never_finishes_is_given_up(drips: bool) -> None:
    """It answers nothing at all, or one byte at a time for ever."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                while drips:
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n")
                    while True:
                        connection.sendall(b"x")
                        time.sleep(0.05)
                connection.recv(1 << 16)
                connection.recv(1)  # until the client hangs up

    server = threading.Thread(target=serve)
    server.start()
    registry = Registry(Http(timeout_s=0.3))
    place = Place(f"127.0.0.1:{listener.getsockname()[1]}", "acme/app", plain_http=True, loopback=True)
    try:
        assert resolve(registry, place) is Outcome.UNREACHABLE
    finally:
        registry.http.close()
        listener.close()
        server.join()


def test_a_redirect_to_another_host_carries_no_password(registry: Registry, serve, monkeypatch, tmp_path) -> None:
    seen: list[Asked] = []

    def storage(asked: Asked) -> Reply:
        seen.append(asked)
        return 200, {"content-type": "application/vnd.oci.image.manifest.v1+json"}, b"{}"

    elsewhere = serve(storage)

    def front(asked: Asked) -> Reply:
        if "authorization" not in asked.headers:
            return 401, {"www-authenticate": 'Basic realm="x"'}, b""
        return 307, {"location": f"http://{elsewhere.host}/signed"}, b""

    place = serve(front)
    (tmp_path / "config.json").write_text(json.dumps({"auths": {place.host: {"auth": "cm9ib3Q6c2VjcmV0"}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert registry.resolve(place, parse_reference(f"{place.name}:v1")).content == b"{}"
    assert [asked.headers.get("authorization") for asked in seen] == [None]
