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
