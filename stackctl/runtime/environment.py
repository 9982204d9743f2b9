"""The environment supervisord is started with: chosen names only, and the secrets the spec refers to."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from stackctl.errors import UsageError
from stackctl.runtime.rundir import run_dir
from stackctl.runtime.tools import locate_tool
from stackctl.spec import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.spec import Spec
    from stackctl.stack import StackDir

PART = "STACKCTL_PART"
STATE = "STACKCTL_STATE"
SUPERVISOR = "supervisord"

_PASSED_ON = (
    *("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "TZ", "USER"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
_SECRET = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")


def supervisor_environment(stack: StackDir, spec: Spec) -> dict[str, str]:
    """What supervisord and, through it, the gateway may see. The other parts start with next to nothing.

    Raises ToolMissingError if Prometheus or Alertmanager is missing, UsageError if a secret is.
    """
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    own = {
        PART: SUPERVISOR,
        STATE: str(stack.state.resolve()),
        "STACKCTL_RUN": str(run_dir(stack)),
        "STACKCTL_PYTHON": os.environ.get("STACKCTL_PYTHON") or sys.executable,
        "STACKCTL_PROMETHEUS": str(locate_tool("prometheus")),
        "STACKCTL_ALERTMANAGER": str(locate_tool("alertmanager")),
    }
    if spec.gateway.engine == "litellm":
        own["STACKCTL_LITELLM_COMMAND"] = str(locate_tool("litellm"))
    _refuse_odd_paths(own)
    secrets = {name: Secret(f"env:{name}", stack.root).read() for name in secret_names(spec)}
    return passed_on | secrets | own


def secret_names(spec: Spec) -> tuple[str, ...]:
    """The environment variables the spec refers to as `env:NAME`."""
    found = (_SECRET.fullmatch(text) for text in _texts(spec.model_dump(mode="json")))
    return tuple(sorted({match.group(1) for match in found if match}))


def secret_digests(spec: Spec, salt: str) -> dict[str, str]:
    """A salted digest of every secret this environment holds, to see later that one has changed."""
    values = {name: os.environ.get(name, "") for name in secret_names(spec)}
    return {name: hashlib.sha256(f"{salt}{value}".encode()).hexdigest() for name, value in values.items() if value}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _refuse_odd_paths(own: dict[str, str]) -> None:
    """supervisord expands % and reads quotes and backslashes in what it is given; no escaping survives all of that."""
    for value in own.values():
        if odd := set(value) & set('%"\\\n'):
            raise UsageError(
                f"the path {value} holds {odd.pop()!r}, which supervisord cannot take",
                remedy="move the stack to a directory without this character",
            )
