"""A process that is started when somebody connects to its socket, and may end when nobody has for a while."""

from __future__ import annotations

import logging
import select
import socket
import subprocess
import sys
from pathlib import Path

_log = logging.getLogger("gateway.master")
_LONGEST_BACKOFF_S = 5.0
# Who connects waits in this queue while the process starts.
_QUEUE = 256


class OnDemand:
    """The master's side: it holds the socket, so that a connection waits instead of failing.

    `module` is run with the socket's descriptor as its first argument and a pipe from the master as its standard
    input. Whatever ends it, the next connection starts it again, later and later if it keeps failing.
    """

    def __init__(self, name: str, module: str, path: Path) -> None:
        self._name = name
        self._module = module
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(_QUEUE)
        self._failures = 0
        self._start_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def tick(self, now: float) -> None:
        """Look after it; `now` is the monotonic clock's."""
        process = self.process
        if process is not None and process.poll() is not None:
            self._ended(process, now)
        if self.process is None and now >= self._start_at and select.select([self._listener], [], [], 0)[0]:
            self._start()

    def close(self) -> None:
        """Nobody is served any more."""
        self._listener.close()

    def _start(self) -> None:
        handed = self._listener.fileno()
        self.process = subprocess.Popen(
            # The name is for whoever looks at the list of processes.
            [sys.executable, "-m", self._module, str(handed), self._name],
            stdin=subprocess.PIPE,
            pass_fds=(handed,),
            process_group=0,
        )

    def _ended(self, process: subprocess.Popen[bytes], now: float) -> None:
        self.process = None
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode == 0:
            self._failures = 0
            return
        _log.warning("%s (pid %d) ended with code %d", self._name, process.pid, process.returncode)
        delay = min(0.1 * 2**self._failures - 0.1, _LONGEST_BACKOFF_S)
        self._failures = min(self._failures + 1, 10)
        self._start_at = now + delay
