"""Where one gateway instance keeps its files."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import StartError

# sun_path holds 108 bytes on Linux and 104 on macOS; the names below take up to 20 of them.
_LONGEST_SOCKET_DIRECTORY = 78


@dataclass(frozen=True)
class StateDirectory:
    """Paths below the state directory. `metrics` may be moved by PROMETHEUS_MULTIPROC_DIR."""

    root: Path
    run: Path
    metrics: Path

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def database(self) -> Path:
        return self.root / "ledger.sqlite"

    @property
    def accountant_socket(self) -> Path:
        return self.run / "accountant.sock"

    @property
    def exporter_socket(self) -> Path:
        return self.run / "exporter.sock"

    @property
    def tokens_socket(self) -> Path:
        return self.run / "tokens.sock"


def prepare(root: Path) -> StateDirectory:
    """Create what is missing, all of it private. Raises StartError when a part cannot be had."""
    root = root.resolve()
    metrics = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    state = StateDirectory(root, _socket_directory(root), Path(metrics) if metrics else root / "metrics")
    for directory in (root, state.spool, state.metrics, state.run):
        _private(directory)
    return state


def lock(state: StateDirectory) -> int:
    """Take the directory for this process; the returned descriptor holds the lock. Raises StartError."""
    descriptor = os.open(state.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise StartError(f"{state.root} is in use by another gateway; give each its own --state") from None
    return descriptor


def empty_metrics(state: StateDirectory) -> None:
    """Remove what an earlier run counted: every counter starts at 0 in a new run."""
    for path in (*state.metrics.glob("*.db"), *state.run.glob("cooldowns")):
        path.unlink()


def remove_sockets(state: StateDirectory) -> None:
    """At the end of a run: sockets, and their directory where it is not below the state directory."""
    for path in (state.accountant_socket, state.exporter_socket, state.tokens_socket, state.run / "cooldowns"):
        path.unlink(missing_ok=True)
    if not state.run.is_relative_to(state.root):
        state.run.rmdir()


def _socket_directory(root: Path) -> Path:
    own = root / "run"
    if len(os.fsencode(own)) <= _LONGEST_SOCKET_DIRECTORY:
        return own
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"gateway-{digest}"


def _private(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.lstat()
    except OSError as error:
        raise StartError(f"{directory}: cannot be created: {error.strerror}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StartError(f"{directory}: is not a directory of this user")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise StartError(f"{directory}: is not writable")
    if found.st_mode & 0o077:
        directory.chmod(0o700)
