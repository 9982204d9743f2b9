"""Start, stop and death of the process tree."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import httpx
import psutil
import pytest

from tests.integration.gateway.running import MASTER, Running, mock_model


def serve(running: Running) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "gateway",
        "serve",
        "--config",
        running.config_file,
        "--state",
        running.state,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_sigterm_finishes_what_is_in_flight(tmp_path: Path) -> None:
    with Running(tmp_path, workers=1) as gateway:
        key = gateway.key(key_alias="late")
        answers: list[httpx.Response] = []
        request = threading.Thread(target=lambda: answers.append(gateway.chat(key, mock={"latency_s": 1.0})))
        request.start()
        gateway.until(lambda: gateway.total("litellm_current_load") == 1, "the request is in flight")
        assert gateway.process is not None
        # Supervisors may signal the whole group; the accountant must still outlive the workers.
        os.killpg(gateway.process.pid, signal.SIGTERM)
        request.join()
        assert [a.status_code for a in answers] == [200]
        assert gateway.process.wait(30) == 0
        with sqlite3.connect(gateway.state / "ledger.sqlite") as database:
            assert database.execute("select alias, status from ledger").fetchall() == [("late", 200)]
        database.close()


def test_sigterm_finishes_streams_refuses_new_work_and_flushes_the_ledger(tmp_path: Path) -> None:
    with Running(tmp_path, workers=2) as gateway:
        key = gateway.key(key_alias="streamer")
        texts: list[str] = []
        begun = threading.Barrier(5)

        def stream() -> None:
            body = {
                "model": "demo",
                "stream": True,
                "messages": [{"role": "user", "content": "hello"}],
                "mock": {"chunk_interval_s": 0.1, "completion_tokens": 20},
            }
            head = {"Authorization": f"Bearer {key}"}
            with httpx.stream("POST", f"{gateway.url}/v1/chat/completions", json=body, headers=head) as answer:
                parts = answer.iter_text()
                text = next(parts)
                begun.wait(60)
                texts.append(text + "".join(parts))

        streams = [threading.Thread(target=stream) for _ in range(4)]
        for one in streams:
            one.start()
        begun.wait(60)
        assert gateway.process is not None
        gateway.process.terminate()
        gateway.until(lambda: not _welcome(gateway, key), "new work is refused")
        for one in streams:
            one.join()
        assert [text.rstrip().endswith("data: [DONE]") for text in texts] == [True] * 4
        assert gateway.process.wait(30) == 0
        with sqlite3.connect(gateway.state / "ledger.sqlite") as database:
            rows = database.execute("select status, completion_tokens from ledger where stream").fetchall()
        database.close()
        assert rows == [(200, 20)] * 4


def _welcome(gateway: Running, key: str) -> bool:
    try:
        return gateway.chat(key).status_code != 503
    except httpx.TransportError:
        return False


def test_a_worker_that_has_served_its_share_is_replaced_without_a_lost_request(tmp_path: Path) -> None:
    with Running(tmp_path, workers=2, serving={"recycle_after": 100}) as gateway:
        key = gateway.key(key_alias="many")
        before = {process.pid for process in gateway.children("worker")}
        answers: list[int] = []

        def ask() -> None:
            # A connection of its own each: one that is kept may be closed at the very moment it is used again.
            body = {"model": "demo", "messages": [{"role": "user", "content": "x"}]}
            head = {"Authorization": f"Bearer {key}", "Connection": "close"}
            with httpx.Client(base_url=gateway.url, headers=head, timeout=60) as client:
                answers.extend([client.post("/v1/chat/completions", json=body).status_code for _ in range(75)])

        clients = [threading.Thread(target=ask) for _ in range(8)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert answers == [200] * 600
        gateway.until(lambda: not before & {p.pid for p in gateway.children("worker")}, "both workers are new")
        gateway.until(lambda: gateway.total("litellm_requests_total", key="many", status="200") == 600, "all counted")
        rows = gateway.admin("GET", "/spend/logs", params={"api_key": key})
        assert len(rows) == len({row["request_id"] for row in rows}) == 600


def test_dead_parts_come_back_and_the_port_is_free_after_the_master_s_death(tmp_path: Path) -> None:
    with Running(tmp_path) as gateway:
        key = gateway.key(key_alias="k")
        assert gateway.chat(key).status_code == 200
        for role in ("exporter", "accountant", "worker"):
            victim = gateway.children(role)[0]
            gateway.kill(victim)
            gateway.until(lambda v=victim: not psutil.pid_exists(v.pid), "the master has seen it")
            gateway.until(lambda: gateway.http.get("/health/readiness").status_code == 200, "ready again")
        assert gateway.chat(key).status_code == 200
        assert gateway.total("litellm_requests_total", key="k", status="200") == 2
        assert gateway.process is not None
        children = psutil.Process(gateway.process.pid).children()
        os.kill(gateway.process.pid, signal.SIGKILL)
        gateway.process.wait(10)
        psutil.wait_procs(children, timeout=30)
        assert not [c for c in children if c.is_running()]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", gateway.port))
        for line in gateway.log.read_text().splitlines():
            assert json.loads(line)["process"]


def test_a_taken_port_and_a_taken_state_directory_are_one_line(tmp_path: Path) -> None:
    with Running(tmp_path) as gateway:
        ended = serve(gateway)
        assert ended.returncode == 1
        assert "cannot listen on" in ended.stderr.splitlines()[-1]
        other = Running(tmp_path / "other")
        other.state = gateway.state
        other.config_file.write_text(json.dumps(other.config))
        ended = serve(other)
        other.http.close()
        assert ended.returncode == 1
        assert "in use by another gateway" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize("case", ["newer", "foreign", "garbage"])
def test_a_ledger_that_cannot_be_used_is_one_line(tmp_path: Path, case: str) -> None:
    gateway = Running(tmp_path, workers=1)
    gateway.state.mkdir()
    ledger = gateway.state / "ledger.sqlite"
    if case == "garbage":
        ledger.write_text("this is a diary and no database " * 200)
    else:
        with contextlib.closing(sqlite3.connect(ledger)) as database, database:
            made = "create table schema_steps (number int, name text)" if case == "newer" else "create table ledger (x)"
            database.execute(made)
            if case == "newer":
                database.execute("insert into schema_steps values (99, 'from the future')")
    with pytest.raises(AssertionError, match="ended with"):
        gateway.start()
    (line,) = [text for text in gateway.log.read_text().splitlines() if "accountant" in text and "error" in text]
    assert "ledger.sqlite cannot be used" in line
    assert "move it away" in line
    assert "Traceback" not in gateway.log.read_text()


def test_a_crash_loop_ends_with_the_reason(tmp_path: Path) -> None:
    gateway = Running(tmp_path)
    gateway.config_file.write_text(json.dumps(gateway.config))
    gateway.state.mkdir()
    # A directory where the database should be: the accountant cannot start.
    (gateway.state / "ledger.sqlite").mkdir()
    ended = serve(gateway)
    gateway.http.close()
    assert ended.returncode == 1
    assert "the accountant ended with code" in ended.stderr.splitlines()[-1]


def test_a_deep_state_directory_and_a_metrics_token_work(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("scrape-token")
    with Running(tmp_path, workers=1, metrics={"token": "file:token"}) as gateway:
        pass
    deep = Running(tmp_path / ("d" * 60) / ("e" * 60), workers=1, metrics={"token": "file:../../token"})
    deep.config["models"] = [mock_model("demo")]
    elsewhere = set(Path(tempfile.gettempdir()).glob("gateway-*"))
    with deep as gateway:
        assert len(set(Path(tempfile.gettempdir()).glob("gateway-*")) - elsewhere) >= 1
        assert gateway.http.get("/metrics").status_code == 401
        answer = gateway.http.get("/metrics", headers={"Authorization": "Bearer scrape-token"})
        assert answer.status_code == 200
        assert MASTER not in answer.text
