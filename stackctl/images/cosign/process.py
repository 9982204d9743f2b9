"""Run cosign: no shell, a bare environment, a time-out for the whole process group, bounded output."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from stackctl.images.outcome import Outcome, Stopped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PASSED_ON = (
    "HOME",
    "PATH",
    "DOCKER_CONFIG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    *(name for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY") for name in (proxy, proxy.lower())),
)
"""What cosign needs to reach a registry. All else stays behind: COSIGN_REPOSITORY, SIGSTORE_* and TUF_* would change
what is verified, and everybody's secrets are in an environment."""
_MAX_OUTPUT = 4 * 1024 * 1024


@dataclass(frozen=True)
class Finished:
    """What one run left behind."""

    code: int
    out: str
    err: str
    seconds: float


def run(command: Sequence[str], *, extra: Mapping[str, str] | None = None, timeout_s: float) -> Finished:
    """Run `command`; `extra` is added to the bare environment.

    Raises Stopped(TOOL) if it does not start, Stopped(UNKNOWN) if it does not end or says too much.
    """
    started = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=bare_environment() | dict(extra or {}),
                start_new_session=True,
            )
        except OSError as error:
            raise Stopped(
                Outcome.TOOL, f"{command[0]} does not start: {(error.strerror or 'unknown').lower()}"
            ) from None
        code = _wait(process, timeout_s)
        if code is None:
            raise Stopped(Outcome.UNKNOWN, f"cosign gave no answer in {timeout_s:g} s", "raise --timeout, or try again")
        return Finished(code, _content(out), _content(err), time.perf_counter() - started)


def bare_environment() -> dict[str, str]:
    """The part of this process' environment that cosign gets."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {"LC_ALL": "C"}


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> int | None:
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _content(file: IO[bytes]) -> str:
    if file.tell() > _MAX_OUTPUT or file.seek(0, os.SEEK_END) > _MAX_OUTPUT:
        raise Stopped(Outcome.UNKNOWN, f"cosign wrote more than {_MAX_OUTPUT} bytes")
    file.seek(0)
    return file.read().decode("utf-8", "replace")
