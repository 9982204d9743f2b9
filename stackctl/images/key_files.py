"""Public keys: fetched once, checked against their hash, and handed on as bytes."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from stackctl.images.outcome import Outcome, Stopped

if TYPE_CHECKING:
    from stackctl.images.registry.http import Http
    from stackctl.spec.images import PublicKey

_MAX_KEY = 64 * 1024


class KeyStore:
    """Keys by SHA-256; what was fetched once is kept on disk, and checked again whenever it is read."""

    def __init__(self, http: Http, root: Path, cache: Path | None = None) -> None:
        """`root` is what file keys are relative to; `cache` a private directory, ~/.cache/stackctl/keys by default."""
        self._http, self._root = http, root
        self._cache = cache or Path.home() / ".cache" / "stackctl" / "keys"
        self._lock = threading.Lock()

    def load(self, key: PublicKey) -> bytes:
        """The key file's bytes, with the SHA-256 the policy demands.

        Raises Stopped(UNREACHABLE) if it cannot be had or is another file than the pinned one.
        """
        if key.file is not None:
            return _checked(_read(self._root / Path(key.file).expanduser()), key.sha256, key.file)
        with self._lock:
            return self._fetched(str(key.url), str(key.sha256))

    def _fetched(self, url: str, sha256: str) -> bytes:
        kept = self._cache / f"{sha256}.pub"
        try:
            return _checked(kept.read_bytes(), sha256, str(kept))
        except (OSError, Stopped):
            content = _checked(_download(self._http, url), sha256, url)
        _keep(kept, content)
        return content


def sha256_of(content: bytes) -> str:
    """SHA-256 as 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def _download(http: Http, url: str) -> bytes:
    answer = http.send("GET", url, limit=_MAX_KEY, redirects=0)
    if answer.status != 200:
        raise Stopped(Outcome.UNREACHABLE, f"the key {url} answers HTTP {answer.status}")
    return answer.body


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_MAX_KEY)
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise Stopped(Outcome.UNREACHABLE, f"the key file {file}: {reason}", "give the public key's PEM file") from None


def _checked(content: bytes, sha256: str | None, where: str) -> bytes:
    actual = sha256_of(content)
    if sha256 is not None and actual != sha256:
        raise Stopped(
            Outcome.UNREACHABLE,
            f"{where} is not the pinned key: its SHA-256 is {actual}, not {sha256}",
            "do not change the hash unless the publisher announces a new key",
        )
    return content


def _keep(file: Path, content: bytes) -> None:
    """A cache that cannot be written is no reason to fail."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=file.parent)
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
        Path(name).replace(file)
    except OSError:
        return
