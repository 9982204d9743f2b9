"""Docker's credentials: config.json, its credential store and its per-registry helpers.

https://docs.docker.com/reference/cli/docker/login/ describes the file and the helper protocol.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackctl.images.outcome import Outcome, Stopped
from stackctl.images.reference import DOCKER_HUB

_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HELPER_TIMEOUT_S = 20
_MAX_ANSWER = 64 * 1024
_TOKEN_USER = "<token>"  # noqa: S105 the helper protocol's mark of an identity token


@dataclass(frozen=True, repr=False)
class Credentials:
    """A user with a password, or an identity token; empty means anonymous. Never printed."""

    user: str = ""
    password: str = ""
    identity_token: str = ""

    def __bool__(self) -> bool:
        return bool(self.user or self.identity_token)


def credentials_for(host: str) -> Credentials:
    """What docker would send to `host`; anonymous if it knows nothing.

    Raises Stopped(UNKNOWN) for a config.json or a helper that is broken: going on without would hide the cause.
    """
    config = _config()
    names = _HUB_KEYS if host == DOCKER_HUB else (host, f"https://{host}")
    helpers = _mapping(config.get("credHelpers"))
    for name in names:
        if helper := helpers.get(name) or config.get("credsStore"):
            found = _ask(str(helper), name)
        else:
            found = _stored(_mapping(_mapping(config.get("auths")).get(name)), name)
        if found:
            return found
    return Credentials()


def docker_config() -> Path:
    """docker's config.json: in $DOCKER_CONFIG, else in ~/.docker."""
    chosen = os.environ.get("DOCKER_CONFIG")
    return (Path(chosen) if chosen else Path.home() / ".docker") / "config.json"


def _config() -> dict[str, Any]:
    file = docker_config()
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise _broken(f"{file} cannot be read ({type(error).__name__})") from None
    return _mapping(content)


def _stored(entry: dict[str, Any], name: str) -> Credentials:
    if token := entry.get("identitytoken"):
        return Credentials(identity_token=str(token))
    encoded = str(entry.get("auth") or "")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _broken(f"{docker_config()}: the entry of {name} is not base64") from None
    return Credentials(user, password.rstrip("\0"))


def _ask(helper: str, name: str) -> Credentials:
    """One `docker-credential-HELPER get`; the registry's name goes in by standard input."""
    program = shutil.which(f"docker-credential-{helper}") if _HELPER.fullmatch(helper) else None
    if program is None:
        raise _broken(f"{docker_config()} names the credential helper {helper!r}, which is not on PATH")
    try:
        done = subprocess.run(
            [program, "get"], input=name, capture_output=True, text=True, check=False, timeout=_HELPER_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        raise _broken(f"{program} gave no answer ({type(error).__name__})") from None
    if done.returncode:
        return Credentials()  # a helper says "credentials not found in native keychain" this way
    try:
        answer = _mapping(json.loads(done.stdout[:_MAX_ANSWER]))
    except ValueError:
        raise _broken(f"{program} did not answer in JSON") from None
    user, secret = str(answer.get("Username") or ""), str(answer.get("Secret") or "")
    return Credentials(identity_token=secret) if user == _TOKEN_USER else Credentials(user, secret)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _broken(message: str) -> Stopped:
    return Stopped(Outcome.UNKNOWN, message, "correct docker's configuration, or log in again with `docker login`")
