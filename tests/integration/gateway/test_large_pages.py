"""A metrics page of any size passes through a worker without staying in it, whatever its two ends do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from gateway.state import prepare
from tests.integration.gateway.running import Running

LINE = b'litellm_spend_metric_total{end_user="None",hashed_api_key="0123456789abcdef"} 0.000012500\n'
PAGE = LINE * ((64 << 20) // len(LINE))
MOST_MORE = 16 << 20


class LargeExporter(threading.Thread):
    """In place of a gateway's exporter: pages of `PAGE`. The first `cut` of them break off halfway; the worker has
    `given_up` some. `sent` counts bytes.
    """

    def __init__(self, path: Path, cut: int = 0) -> None:
        super().__init__(daemon=True)
        path.unlink()
        self._cut = cut
        self.sent = self.given_up = 0
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()

    def run(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            with connection:
                connection.recv(100)
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.sendall(b"%d\n" % len(PAGE))
        end = len(PAGE)
        if self._cut:
            self._cut, end = self._cut - 1, end // 2
        try:
            for start in range(0, end, 1 << 20):
                part = PAGE[start : min(start + (1 << 20), end)]
                connection.sendall(part)
                self.sent += len(part)
        except BrokenPipeError:
            self.given_up += 1


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Running]:
    with Running(tmp_path, workers=1) as running:
        yield running


def socket_of(gateway: Running) -> Path:
    """Where its exporter is asked; not below a directory whose name is too long for a socket."""
    return prepare(gateway.state).exporter_socket


def worker_of(gateway: Running) -> psutil.Process:
    (worker,) = gateway.children("worker")
    return worker


def test_a_worker_holds_a_piece_of_a_page_while_its_client_reads_slowly(alone: Running) -> None:
    exporter, worker, key = LargeExporter(socket_of(alone)), worker_of(alone), alone.key()
    exporter.start()
    assert alone.chat(key).status_code == 200
    before, most, read = worker.memory_info().rss, 0, 0
    with alone.http.stream("GET", "/metrics") as page:
        assert int(page.headers["content-length"]) == len(PAGE)
        for number, piece in enumerate(page.iter_bytes(1 << 20)):
            assert piece == PAGE[read : read + len(piece)]
            read += len(piece)
            most = max(most, worker.memory_info().rss)
            assert exporter.sent - read < MOST_MORE, "the page piles up between exporter and client"
            if number % 8 == 0:
                assert httpx.get(f"{alone.url}/health/liveliness").status_code == 200
    assert read == len(PAGE)
    assert most - before < MOST_MORE
    # The connection serves what comes next.
    assert alone.chat(key).status_code == 200


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(alone: Running) -> None:
    exporter = LargeExporter(socket_of(alone))
    exporter.start()
    with alone.client(alone.url) as client, client.stream("GET", "/metrics") as page:
        next(page.iter_bytes(1 << 20))
    alone.until(lambda: exporter.given_up, "the worker has given the page up")
    assert exporter.sent < len(PAGE) // 2
    assert alone.http.get("/metrics").content == PAGE


def test_a_page_that_breaks_off_is_not_taken_for_a_whole_one(alone: Running) -> None:
    LargeExporter(socket_of(alone), cut=1).start()
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        alone.http.get("/metrics")
    assert alone.http.get("/metrics").content == PAGE
    assert "Traceback" not in alone.log.read_text()


def test_without_an_exporter_the_answer_says_so(alone: Running) -> None:
    socket_of(alone).unlink()
    answer = alone.http.get("/metrics")
    assert answer.status_code == 503
    assert answer.json()["error"]["message"] == "The exporter does not answer"
