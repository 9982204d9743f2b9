"""A real Redis for tests: own port, a password, nothing on disk, stopped at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import redis

from stackctl.runtime import parts_dir
from tests.ports import free_port
from tests.real_parts import absent, libraries

PASSWORD = "password-of-the-test-redis"


def program() -> tuple[Path, dict[str, str]]:
    """redis-server and the environment it needs: this machine's, or what scripts/parts unpacked."""
    if found := shutil.which("redis-server"):
        return Path(found), dict(os.environ)
    parts = parts_dir()
    # Debian's redis-server is a link to this one, which acts by the name it is called by.
    unpacked = parts / "redis-tools" / "usr" / "bin" / "redis-check-rdb"
    if not unpacked.is_file():
        absent("Redis: run scripts/parts databases")
    return unpacked, {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, libraries()))}


class RedisServer:
    """One server. `stop` and `start` may be called at any time; it forgets everything."""

    def __init__(self) -> None:
        self._program, self._environment = program()
        self.port = free_port()
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> RedisServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        arguments = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp"]
        self._process = subprocess.Popen(
            [*arguments, "--requirepass", PASSWORD, "--logfile", "/dev/null"],
            executable=self._program,
            env=self._environment,
            stdout=subprocess.DEVNULL,
        )
        end = time.monotonic() + 60
        while True:
            try:
                self.run("ping")
                return
            except redis.ConnectionError:
                assert self._process.poll() is None, "redis-server ended"
                assert time.monotonic() < end
                time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def run(self, *command: str) -> Any:
        """One command by a client of our own."""
        with redis.Redis.from_url(self.url) as client:
            return client.execute_command(*command)
