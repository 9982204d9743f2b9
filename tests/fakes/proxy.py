"""A forward proxy: CONNECT and absolute addresses of HTTP, also by TLS, and SOCKS 5; it resolves names itself and may ask
who is there."""

from __future__ import annotations

import base64
import contextlib
import re
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

Address = tuple[str, int]


class FakeProxy:
    """`asked` are the targets in order, as `CONNECT host:port`, `POST http://...` or `SOCKS host:port`.

    `names` are where hosts really are. With `credential` (`user:password`) it answers 407 to whoever has another. With
    `tls` it is an HTTPS proxy; `refused` counts clients that did not like its certificate.
    """

    def __init__(
        self, names: dict[str, Address], credential: str | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.asked: list[str] = []
        self.refused = 0
        self._names = names
        self._credential = credential
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> FakeProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone does not wake who accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError, ValueError, IndexError):
            stack.enter_context(client)
            if self._tls is not None:
                self._http(stack.enter_context(self._secured(client, self._tls)))
                return
            first = client.recv(1, socket.MSG_PEEK)
            if first == b"\x05":
                self._socks(client)
            elif first:
                self._http(client)

    def _secured(self, client: socket.socket, tls: ssl.SSLContext) -> socket.socket:
        try:
            return tls.wrap_socket(client, server_side=True)
        except OSError:
            self.refused += 1
            raise

    def _http(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (data := client.recv(65536)):
                return
            head += data
        head, rest = head.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        self.asked.append(f"{method} {target}")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if self._credential is not None:
            expected = f"Basic {base64.b64encode(self._credential.encode()).decode()}"
            if headers.get("proxy-authorization") != expected:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            with self._open(host, int(port)) as upstream:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _pipe(client, upstream)
            return
        parts = urlsplit(target)
        path = f"{parts.path}{'?' + parts.query if parts.query else ''}"
        head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines]).encode() + b"\r\n\r\n"
        with self._open(parts.hostname or "", parts.port or 80) as upstream:
            upstream.sendall(_for_the_upstream(head) + rest)
            _pipe(client, upstream, _for_the_upstream)

    def _socks(self, client: socket.socket) -> None:
        """RFC 1928, without authentication and for names only."""
        _, count = client.recv(2)
        client.recv(count)
        client.sendall(b"\x05\x00")
        _, _, _, kind, length = client.recv(5)
        assert kind == 3
        host = client.recv(length).decode()
        (port,) = struct.unpack(">H", client.recv(2))
        self.asked.append(f"SOCKS {host}:{port}")
        with self._open(host, port) as upstream:
            client.sendall(b"\x05\x00\x00\x01" + bytes(6))
            _pipe(client, upstream)

    def _open(self, host: str, port: int) -> socket.socket:
        return socket.create_connection(self._names.get(host, (host, port)))


def _for_the_upstream(data: bytes) -> bytes:
    """A request, the first of a connection or a later one, without what is for the proxy."""
    return re.sub(rb"(?im)^proxy-[^\r\n]*\r\n", b"", data)


def _pipe(client: socket.socket, upstream: socket.socket, change: Callable[[bytes], bytes] = bytes) -> None:
    while True:
        # What TLS has deciphered and nobody has read makes no socket readable.
        readable = [s for s in (client, upstream) if isinstance(s, ssl.SSLSocket) and s.pending()]
        for source in readable or select.select([client, upstream], [], [])[0]:
            if not (data := source.recv(65536)):
                return
            if source is client:
                upstream.sendall(change(data))
            else:
                client.sendall(data)
