"""A real PostgreSQL for tests: own directory, own port, not as root, stopped at the end."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg

from stackctl.runtime import parts_dir
from tests.ports import free_port
from tests.real_parts import absent, libraries

PASSWORD = "password-of-the-test-database"


def postgres_programs() -> Path:
    """Where initdb and postgres are: this machine's or those that scripts/parts unpacked."""
    roots = [Path("/usr/lib/postgresql"), parts_dir() / "postgresql-15" / "usr" / "lib" / "postgresql"]
    for root in roots:
        for programs in sorted(root.glob("*/bin"), reverse=True):
            if os.access(programs / "postgres", os.X_OK) and os.access(programs / "initdb", os.X_OK):
                return programs
    return absent("PostgreSQL: run scripts/parts databases")


class Postgres:
    """One server. `stop` and `start` may be called at any time; `crash` is kill -9 of all of it."""

    def __init__(self) -> None:
        self._programs = postgres_programs()
        self._home = Path(tempfile.mkdtemp(prefix="money-postgres-"))
        self._libraries = libraries()
        self._as = {}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            nobody = pwd.getpwnam("nobody")
            os.chown(self._home, nobody.pw_uid, nobody.pw_gid)
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            if not all(parent.stat().st_mode & 0o001 for parent in self._programs.parents):
                self._bring_within_reach()
        self.port = free_port()
        self.url = f"postgresql://gateway:{PASSWORD}@127.0.0.1:{self.port}/postgres"
        self._process: subprocess.Popen[bytes] | None = None
        self._initialise()

    def _bring_within_reach(self) -> None:
        """Copy what a root keeps to themselves, such as everything below /root, to where nobody may read it."""
        usr = self._programs.parents[3]
        shutil.copytree(usr, self._home / "usr", symlinks=True)
        self._programs = self._home / "usr" / self._programs.relative_to(usr)
        copies = [self._home / "libraries" / str(number) for number in range(len(self._libraries))]
        for library, copy in zip(self._libraries, copies, strict=True):
            shutil.copytree(library, copy, symlinks=True)
        self._libraries = copies

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, self._libraries))}

    def __enter__(self) -> Postgres:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._home)

    def start(self) -> None:
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._programs / "postgres", "-D", self._home / "data", "-p", str(self.port),
                    "-k", self._home, "-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=32MB",
                    "-c", "log_min_messages=fatal", "-c", "deadlock_timeout=200ms",
                ],
                stderr=log, stdout=log, cwd="/", env=self._environment, **self._as,
            )  # fmt: skip
        end = time.monotonic() + 60
        while True:
            try:
                self.query("select 1")
                return
            except (OSError, asyncpg.PostgresError):
                assert time.monotonic() < end, (self._home / "log").read_text()
                time.sleep(0.05)

    def stop(self, number: int = signal.SIGINT) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)
            self._process = None

    def query(self, sql: str, *values: Any) -> list[Any]:
        async def run() -> list[Any]:
            connection = await asyncpg.connect(self.url, timeout=10)
            try:
                return list(await connection.fetch(sql, *values))
            finally:
                await connection.close()

        return asyncio.run(run())

    def dump(self) -> str:
        """Every table as text."""
        tables = [name for (name,) in self.query("select tablename from pg_tables where schemaname = 'public'")]
        return "\n".join(str(row) for table in tables for row in self.query(f"select t::text from {table} t"))

    def _initialise(self) -> None:
        secret = self._home / "password"
        secret.write_text(PASSWORD)
        if self._as:
            os.chown(secret, self._as["user"], self._as["group"])
        subprocess.run(
            [
                self._programs / "initdb", "-D", self._home / "data", "-U", "gateway", "-A", "scram-sha-256",
                "--pwfile", secret, "-E", "UTF8", "--locale=C", "--no-sync",
            ],
            check=True, capture_output=True, cwd="/", env=self._environment, **self._as,
        )  # fmt: skip
