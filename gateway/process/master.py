"""The master: binds the port, starts the others, starts them again when they die, ends them together."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway import clock
from gateway import state as state_directory
from gateway.config import Config
from gateway.errors import StartError
from gateway.pricing import Price, price_of
from gateway.process.on_demand import OnDemand
from gateway.process.order import Order
from gateway.state import StateDirectory

_log = logging.getLogger("gateway.master")
_TICK_S = 0.05
# A machine that starts everything at once is slow.
START_S = 60.0
# A part that dies this often within a minute will not get better by itself.
_MOST_DEATHS = 6
_DEATHS_WITHIN_S = 60.0
_LONGEST_BACKOFF_S = 5.0
# Beyond what a worker gives its requests to finish.
_WORKERS_END_LATER_S = 5.0
_OTHERS_END_WITHIN_S = 10.0


@dataclass(slots=True)
class Child:
    """One place in the tree and the process that fills it now."""

    role: str
    slot: str
    process: subprocess.Popen[bytes] | None = None
    start_at: float = 0.0
    deaths: list[float] = field(default_factory=list)


class Master:
    """`run` serves until SIGTERM or SIGINT. Raises StartError when it cannot go on."""

    def __init__(self, config: Config, root: Path) -> None:
        self._config = config
        self._root = root
        self._stopping = False
        self._children = [Child("accountant", "accountant"), Child("exporter", "exporter")]
        self._children += [Child("worker", f"w{n}") for n in range(config.workers)]
        self._prices: dict[str, Price | None] = {
            d.id: price_of(d) for model in config.models for d in model.deployments
        }

    def run(self) -> None:
        """Bind, prepare, start, watch, end."""
        listener = _bind(self._config)
        state = state_directory.prepare(self._root)
        lock = state_directory.lock(state)
        state_directory.empty_metrics(state)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        counter = OnDemand("counter", "gateway.counting.counter", state.tokens_socket)
        try:
            self._start_keepers(state)
            _log.info("serving on %s:%d with %d workers", *listener.getsockname()[:2], self._config.workers)
            while not self._stopping:
                self._tick(state, listener)
                counter.tick(time.monotonic())
                time.sleep(_TICK_S)
        finally:
            # With the workers' it is the last one: from here on connections are refused instead of left waiting.
            listener.close()
            self._end(counter)
            state_directory.remove_sockets(state)
            os.close(lock)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _start_keepers(self, state: StateDirectory) -> None:
        """Accountant and exporter before any worker, so that no request meets a half gateway."""
        sockets = {"accountant": state.accountant_socket, "exporter": state.exporter_socket}
        keepers = [child for child in self._children if child.role in sockets]
        for child in keepers:
            sockets[child.role].unlink(missing_ok=True)
            self._start(child, state, None)
        deadline = time.monotonic() + START_S
        while not self._stopping and not all(_answers(sockets[child.role]) for child in keepers):
            for child in keepers:
                if child.process is not None and child.process.poll() is not None:
                    raise StartError(f"the {child.role} ended with code {child.process.returncode} at its start")
            if time.monotonic() > deadline:
                raise StartError(f"accountant and exporter did not start within {START_S:g} s")
            time.sleep(0.02)

    def _tick(self, state: StateDirectory, listener: socket.socket) -> None:
        now = time.monotonic()
        for child in self._children:
            process = child.process
            if process is not None and process.poll() is not None:
                self._died(child, process, state, now)
            if child.process is None and now >= child.start_at:
                self._start(child, state, listener)

    def _died(self, child: Child, process: subprocess.Popen[bytes], state: StateDirectory, now: float) -> None:
        code = process.returncode
        if code == 0 and child.role == "worker":
            _log.info("%s (pid %d) has served its requests and is replaced", child.slot, process.pid)
        else:
            _log.warning("%s (pid %d) ended with code %d", child.slot, process.pid, code)
        _close(process)
        child.process = None
        for path in state.metrics.glob(f"gauge_live*_{child.slot}.db"):
            path.unlink(missing_ok=True)
        if code == 0 and child.role == "worker":
            return
        child.deaths = [t for t in child.deaths if now - t < _DEATHS_WITHIN_S] + [now]
        if len(child.deaths) >= _MOST_DEATHS:
            raise StartError(
                f"{child.slot} ended {_MOST_DEATHS} times in {_DEATHS_WITHIN_S:g} s, last with code {code}"
            )
        delay = 0.0 if len(child.deaths) == 1 else min(0.1 * 2 ** len(child.deaths), _LONGEST_BACKOFF_S)
        child.start_at = now + delay

    def _start(self, child: Child, state: StateDirectory, listener: socket.socket | None) -> None:
        handed = listener.fileno() if listener is not None and child.role == "worker" else None
        process = child.process = subprocess.Popen(
            # It reads its order; the name is for whoever looks at the list of processes.
            [sys.executable, "-m", "gateway.process.child", child.slot],
            stdin=subprocess.PIPE,
            pass_fds=() if handed is None else (handed,),
            # A signal to this process's whole group must not end the accountant before the workers.
            process_group=0,
        )
        order = Order(child.role, child.slot, self._config, state, self._prices, handed, clock.offset())
        if process.stdin is None:
            return
        try:
            # The pipe stays open: its end tells the child that this process is gone.
            process.stdin.write(pickle.dumps(order))
            process.stdin.flush()
        except BrokenPipeError:
            _log.warning("%s ended before it could be told what to do", child.slot)

    def _end(self, counter: OnDemand) -> None:
        """Workers first, so that the accountant takes in their last rows, and their last tokens are counted."""
        _end_all(
            [c.process for c in self._children if c.role == "worker"],
            self._config.serving.drain_s + _WORKERS_END_LATER_S,
            lambda: counter.tick(time.monotonic()),
        )
        counter.close()
        _end_all([*(c.process for c in self._children), counter.process], _OTHERS_END_WITHIN_S)


def _bind(config: Config) -> socket.socket:
    host, port = config.listen.host, config.listen.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror}; choose another `listen.port`") from None
    listener.setblocking(False)
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _end_all(
    processes: list[subprocess.Popen[bytes] | None], within: float, meanwhile: Callable[[], object] = lambda: None
) -> None:
    alive = [p for p in processes if p is not None and p.poll() is None]
    for process in alive:
        process.terminate()
    deadline = time.monotonic() + within
    while any(p.poll() is None for p in alive) and time.monotonic() < deadline:
        meanwhile()
        time.sleep(_TICK_S)
    for process in alive:
        if process.poll() is None:
            _log.error("pid %d did not end within %g s and is killed", process.pid, within)
            process.kill()
            process.wait()
        _close(process)


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        try:
            process.stdin.close()
        except BrokenPipeError:
            return
