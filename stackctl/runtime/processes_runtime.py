"""The local runtime behind the interface that all runtimes share."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from stackctl.errors import UnavailableError, UsageError
from stackctl.runtime import local
from stackctl.runtime.disk import data_directory
from stackctl.runtime.logs import log_sizes, logs
from stackctl.runtime.owners import declare_owners
from stackctl.runtime.parts import parts_of, urls
from stackctl.runtime.readiness import wait_until_ready
from stackctl.runtime.rundir import exclusive, make_state
from stackctl.runtime.status import StackStatus, status
from stackctl.runtime.supervisor import supervisor_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.progress import Progress
    from stackctl.runtime.disk import DataDirectory
    from stackctl.spec import Spec
    from stackctl.stack import StackDir

_DATA = ("gateway", "prometheus", "alertmanager", "inbox")
_GROWING = ("prometheus", "gateway", "logs")
"""Samples; spool and ledger; what the parts log."""


class LocalRuntime:
    """A stack as plain processes under one supervisord."""

    def __init__(self, stack: StackDir, spec: Spec) -> None:
        self._stack, self._spec = stack, spec

    def prepare(self, progress: Progress) -> None:
        """`init` made every secret a local stack has."""

    def up(self, progress: Progress, *, keep: bool = False, timeout_s: float | None = None) -> StackStatus:
        """See `stackctl.runtime.local.up`; `timeout_s` is 60 by default, 180 with LiteLLM."""
        state = local.up(self._stack, self._spec, progress, keep=keep, timeout_s=timeout_s or self._patience_s)
        declare_owners(self._stack, self._spec, self.urls()["gateway"], progress)
        return state

    def down(self, progress: Progress, *, volumes: bool = False) -> local.Stopped:
        """See `stackctl.runtime.local.down`; `volumes` removes time series, ledger and messages."""
        stopped = local.down(self._stack, progress)
        for name in _DATA if volumes else ():
            shutil.rmtree(self._stack.state / name, ignore_errors=True)
        return stopped

    def status(self) -> StackStatus:
        """See `stackctl.runtime.status.status`."""
        return status(self._stack, self._spec)

    def logs(self, part: str | None = None, *, lines: int = 50, follow: bool = False) -> Iterator[str]:
        """See `stackctl.runtime.logs.logs`."""
        return logs(self._stack, part, lines=lines, follow=follow)

    def restart(self, progress: Progress, part: str | None = None, *, timeout_s: float | None = None) -> StackStatus:
        """Restart one part or all. Raises UsageError for an unknown part, UnavailableError if the stack is down."""
        parts = parts_of(self._spec)
        names = [each.name for each in parts]
        if part is not None and part not in names:
            raise UsageError(f"there is no part '{part}'", remedy=f"known here: {', '.join(names)}")
        make_state(self._stack)
        with exclusive(self._stack, "restart"):
            supervisor, logged_before = supervisor_of(self._stack), log_sizes(self._stack)
            try:
                supervisor.processes()
            except UnavailableError:
                raise UnavailableError("this stack is down", remedy="`stackctl up` starts it") from None
            with progress.phase(f"restart {part or 'every part'}"):
                for name in [part] if part else names:
                    supervisor.restart(name)
            with progress.phase("wait until every part is ready"):
                limit = timeout_s or self._patience_s
                wait_until_ready(self._stack, parts, supervisor, progress, timeout_s=limit, logged_before=logged_before)
        return self.status()

    def pull(self, progress: Progress) -> list[str]:  # noqa: ARG002 the protocol names it
        """Plain processes have no images."""
        return []

    def urls(self) -> dict[str, str]:
        """The base URL of every part."""
        return urls(self._spec)

    def data_directories(self) -> tuple[DataDirectory, ...]:
        """Samples, ledger and logs, below the stack's state directory."""
        return tuple(data_directory(name, self._stack.state / name) for name in _GROWING)

    @property
    def _patience_s(self) -> float:
        """Each of LiteLLM's workers imports for ten seconds and more."""
        return 180 if self._spec.gateway.engine == "litellm" else 60
