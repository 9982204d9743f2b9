"""Whether the stack's ports are free, and who has them otherwise."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

import psutil

from stackctl.errors import PortTakenError, UsageError
from stackctl.runtime.processes import stack_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from stackctl.runtime.parts import Part

_TRIES = 200


def check_ports(parts: Sequence[Part], ours: Collection[int] = ()) -> None:
    """See that each part can listen where the spec says; ports held by the pids in `ours` are fine.

    Raises PortTakenError naming the owner and a free port, UsageError if the address cannot be listened on at all.
    """
    for part in parts:
        fault = _bind(part.host, part.port)
        if fault is None:
            continue
        if fault != errno.EADDRINUSE:
            raise UsageError(
                f"{part.name} cannot listen on {part.host}:{part.port}: {_reason(fault)}",
                remedy=f"change {part.spec_field} or the host in stack.yaml",
            )
        owner = owner_of(part.port)
        if owner not in ours:
            raise PortTakenError(
                f"port {part.port} ({part.spec_field}) is taken by {_describe(owner)}",
                remedy=f"stop it, or set {part.spec_field} to a free port such as {_free_near(part, parts)} in stack.yaml",
            )


def is_free(host: str, port: int) -> bool:
    """Whether somebody could listen there now."""
    return _bind(host, port) is None


def owner_of(port: int) -> int | None:
    """The pid of the process that listens on a TCP port; None if it cannot be seen (another user's)."""
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            return connection.pid
    return None


def _bind(host: str, port: int) -> int | None:
    """The error number of an attempt to listen, or None. SO_REUSEADDR: a port in TIME_WAIT counts as free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(1)
        except socket.gaierror:
            return errno.EADDRNOTAVAIL
        except OSError as error:
            return error.errno or errno.EADDRNOTAVAIL
    return None


def _free_near(part: Part, parts: Sequence[Part]) -> int:
    reserved = {other.port for other in parts}
    candidates = (*range(part.port + 1, min(part.port + _TRIES, 65536)), *range(part.port - 1, 1023, -1))
    return next((port for port in candidates if port not in reserved and is_free(part.host, port)), part.port)


def _describe(pid: int | None) -> str:
    if pid is None:
        return "a process of another user"
    if stack := stack_of(pid):
        part, state = stack
        return f"the {part} of the stack {state.removesuffix('/.stackctl')} (pid {pid})"
    try:
        return f"{psutil.Process(pid).name()} (pid {pid})"
    except psutil.Error:
        return f"pid {pid}"


def _reason(fault: int) -> str:
    if fault == errno.EACCES:
        return "ports below 1024 need privileges"
    if fault == errno.EADDRNOTAVAIL:
        return "this machine does not have that address"
    return errno.errorcode.get(fault, str(fault))
