"""A request that is refused before its body is whole: the client gets its answer, and its next request does, too."""

from __future__ import annotations

import socket

import pytest

from tests.integration.gateway.running import Running

BODY = b'{"model": "demo", "messages": [{"role": "user", "content": "hello"}]}'


def head(key: str, length: int, more: str = "") -> bytes:
    return (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
        f"content-length: {length}\r\n{more}\r\n"
    ).encode()


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """(status, head) of the next answer, read to its end."""
    seen = b""
    while b"\r\n\r\n" not in seen:
        data = connection.recv(65536)
        assert data, seen
        seen += data
    first, _, body = seen.partition(b"\r\n\r\n")
    length = int(first.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    assert len(body) == length
    return int(first.split(b" ", 2)[1]), first


@pytest.fixture
def connection(gateway: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.port), timeout=30)


def test_the_connection_stays_for_the_next_request(gateway: Running, connection: socket.socket) -> None:
    key = gateway.key()
    with connection:
        for _ in range(3):
            connection.sendall(head("sk-of-nobody", len(BODY)))
            status, told = answer(connection)
            assert status == 401
            assert b"connection: close" not in told
            connection.sendall(BODY[:9])
            connection.sendall(BODY[9:] + head(key, len(BODY)) + BODY)
            assert answer(connection)[0] == 200


def test_a_large_body_is_refused_in_words(gateway: Running, connection: socket.socket) -> None:
    """The client sends all of it before it reads."""
    key, size = gateway.key(), 48 << 20
    with connection:
        connection.sendall(head(key, size))
        for _ in range(size >> 20):
            connection.sendall(b" " * (1 << 20))
        status, told = answer(connection)
        assert status == 413
        assert b"connection: close" in told
        assert connection.recv(1) == b""


def test_who_asked_before_sending_a_body_is_told_that_the_connection_ends(
    gateway: Running, connection: socket.socket
) -> None:
    with connection:
        connection.sendall(head("sk-of-nobody", len(BODY), "expect: 100-continue\r\n"))
        status, told = answer(connection)
        assert status == 401
        assert b"connection: close" in told
        assert connection.recv(1) == b""


def test_a_body_that_does_not_come_is_not_waited_for_for_ever(gateway: Running, connection: socket.socket) -> None:
    with connection:
        connection.sendall(head("sk-of-nobody", len(BODY)))
        assert answer(connection)[0] == 401
        connection.settimeout(60)
        assert connection.recv(1) == b""
