"""A new stack directory: a commented spec and the secrets nobody should have to invent."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from stackctl.errors import UsageError
from stackctl.render.compose import GRAFANA_PASSWORD
from stackctl.render.gateway import MASTER_KEY_FILE
from stackctl.render.templates import fill
from stackctl.spec import parse_spec

if TYPE_CHECKING:
    from pathlib import Path

    from stackctl.spec import Spec
    from stackctl.stack import StackDir

DEFAULT_PORTS = {"gateway": 4000, "prometheus": 9090, "alertmanager": 9093, "inbox": 9095, "grafana": 3000}
_GITIGNORE = "secrets/\n.stackctl/\n"


@dataclass(frozen=True)
class Answers:
    """What `init` wants to know."""

    name: str
    provider: Literal["openai", "mock"] = "openai"
    workers: int = 2
    slack_channel: str = ""
    runtime: Literal["local", "compose"] = "local"
    ports: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_PORTS))


def create_stack(stack: StackDir, answers: Answers) -> list[Path]:
    """Write stack.yaml, secrets/ and .gitignore; returns the files made.

    Raises UsageError if there is a spec already (nothing is touched) or the directory cannot be written.
    """
    return _write_stack(stack, fill("init/stack.yaml.j2", **vars(answers)), slack=bool(answers.slack_channel))


def adopt_stack(stack: StackDir, text: str) -> list[Path]:
    """Write a spec that was made elsewhere, with what `create_stack` puts beside one; raises the same."""
    return _write_stack(stack, text, slack=False)


def _write_stack(stack: StackDir, text: str, *, slack: bool) -> list[Path]:
    if stack.spec.exists():
        raise UsageError(f"{stack.spec} exists already", remedy="edit it, or choose another directory")
    # An answer that makes an invalid spec is refused before anything is written.
    spec = parse_spec(text, str(stack.spec)).spec
    made: list[Path] = []
    try:
        stack.root.mkdir(parents=True, exist_ok=True)
        made += _make_secrets(stack, spec, slack=slack)
        made += _create(stack.root / ".gitignore", _GITIGNORE, 0o644)
        made += _create(stack.spec, text, 0o644)
    except OSError as error:
        raise UsageError(
            f"{error.filename or stack.root} cannot be written: {(error.strerror or str(error)).lower()}",
            remedy="choose a directory you may write to",
        ) from error
    return made


def free_ports(wanted: dict[str, int] | None = None) -> dict[str, int]:
    """The wanted ports where they are free on loopback, the next free ones otherwise."""
    chosen: dict[str, int] = {}
    for part, port in (wanted or DEFAULT_PORTS).items():
        while port in chosen.values() or not _is_free(port):
            port += 1
        chosen[part] = port
    return chosen


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _make_secrets(stack: StackDir, spec: Spec, *, slack: bool) -> list[Path]:
    stack.secrets.mkdir(mode=0o700, exist_ok=True)
    made = _create(stack.root / MASTER_KEY_FILE, f"sk-{secrets.token_urlsafe(32)}\n", 0o600)
    if spec.runs_grafana:
        made += _create(stack.root / GRAFANA_PASSWORD.removeprefix("file:"), secrets.token_urlsafe(24) + "\n", 0o600)
    if slack:
        made += _create(stack.secrets / "slack-webhook", "", 0o600)
    return made


def _create(path: Path, text: str, mode: int) -> list[Path]:
    """Write a new file; one that exists is kept as it is."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return []
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return [path]
