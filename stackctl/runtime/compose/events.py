"""What the engine tells of a project's containers as it happens, so that a wait need not ask all the time."""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Any, Self

from docker.errors import DockerException

from stackctl.runtime.compose.project import PROJECT, SERVICE

if TYPE_CHECKING:
    from docker.client import DockerClient
    from docker.types.daemon import CancellableStream

_TOLD = ("start", "die", "oom", "health_status")
_WORDS = {"oom": "used more memory than its limit"}


class Events:
    """The events of one project, from the beginning of the `with` block on."""

    def __init__(self, client: DockerClient, project: str) -> None:
        self._client, self._project = client, project
        self._stream: CancellableStream[Any] | None = None
        self._happened: queue.Queue[dict[str, Any]] = queue.Queue()

    def __enter__(self) -> Self:
        filters = {"type": "container", "event": list(_TOLD), "label": f"{PROJECT}={self._project}"}
        with contextlib.suppress(DockerException, OSError):  # without them every look is in time all the same
            self._stream = self._client.events(decode=True, filters=filters)
            threading.Thread(target=self._read, name="docker-events", daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._stream is not None:
            with contextlib.suppress(DockerException, OSError):  # over SSH a stream cannot be closed
                self._stream.close()

    def wait(self, timeout_s: float) -> list[str]:
        """Return at the next event or after `timeout_s`: what went wrong meanwhile, a line each."""
        happened = []
        try:
            happened.append(self._happened.get(timeout=timeout_s))
            while True:
                happened.append(self._happened.get_nowait())
        except queue.Empty:
            return [line for line in map(_told, happened) if line]

    def _read(self) -> None:
        # It ends when the engine goes away or nobody waits any more; the next look at the containers says which.
        with contextlib.suppress(DockerException, OSError, ValueError):
            for event in self._stream or ():
                self._happened.put(event)


def _told(event: dict[str, Any]) -> str:
    attributes = event.get("Actor", {}).get("Attributes", {})
    service, action = attributes.get(SERVICE, "a container"), str(event.get("Action", ""))
    if action == "die":
        return f"{service} ended with exit code {attributes.get('exitCode', '?')}"
    return f"{service} {_WORDS[action]}" if action in _WORDS else ""
