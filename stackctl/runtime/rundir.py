"""The short private directory of a stack's sockets, and the lock that lets one command at a time change a stack."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from stackctl.errors import StackctlError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.stack import StackDir

# Not $XDG_RUNTIME_DIR: it is removed when the user logs out, and a stack outlives its terminal.
# Not $TMPDIR: it differs between terminals, and a later one must find the same socket.
_BASE = Path("/tmp")  # noqa: S108 the directory below it is private and its owner is checked

_STATE_DIRECTORIES = ("logs", "gateway", "prometheus", "alertmanager", "inbox")


def run_dir(stack: StackDir) -> Path:
    """Where the stack's sockets are: the path of a Unix socket may have 107 bytes, a stack's own may have more."""
    digest = hashlib.sha256(os.fsencode(stack.root.resolve())).hexdigest()
    return _BASE / f"stackctl-{os.getuid()}" / digest[:12]


def make_run_dir(stack: StackDir) -> Path:
    """Make the directory, readable by nobody else. Raises StackctlError if somebody else made it first."""
    directory = run_dir(stack)
    for each in (directory.parent, directory):
        with contextlib.suppress(FileExistsError):
            each.mkdir(mode=0o700)
        found = each.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise StackctlError(
                f"{each} is not a private directory of yours", remedy=f"look who made it, then remove {each}"
            )
    return directory


def remove_run_dir(stack: StackDir) -> None:
    """Remove the stack's sockets; nothing happens if there are none."""
    shutil.rmtree(run_dir(stack), ignore_errors=True)


def make_state(stack: StackDir) -> None:
    """Make the state directory and one directory per part in it. Raises UsageError if it cannot be written."""
    try:
        stack.state.mkdir(mode=0o700, exist_ok=True)
        for name in _STATE_DIRECTORIES:
            (stack.state / name).mkdir(exist_ok=True)
        (stack.state / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the state directory {error.filename or stack.state} cannot be written: {(error.strerror or '').lower()}",
            remedy="make the stack's directory writable, or move the stack",
        ) from error


@contextlib.contextmanager
def exclusive(stack: StackDir, command: str) -> Iterator[None]:
    """Hold the stack's lock. Raises StackctlError at once if another command holds it."""
    with (stack.state / "lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "another command"
            raise StackctlError(f"{holder} is at work on this stack", remedy="wait until it has finished") from None
        lock.truncate(0)
        lock.write(f"stackctl {command} (pid {os.getpid()})")
        lock.flush()
        yield
