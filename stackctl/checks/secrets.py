"""Check `secret/*`: every secret the stack needs is there, is not empty and is not readable by others."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from stackctl.errors import SpecError, UsageError
from stackctl.problem import Position, Problem, Severity
from stackctl.render.gateway import MASTER_KEY_FILE
from stackctl.spec import Secret
from stackctl.spec.receivers import SECRET_FIELDS

if TYPE_CHECKING:
    from pathlib import Path

    from stackctl.spec import SpecFile

SpecPath = tuple[str | int, ...]


def check_secrets(source: SpecFile, root: Path) -> list[Problem]:
    """One problem per secret that cannot be used; `root` is the stack directory."""
    problems: list[Problem] = []
    for path, reference in secret_references(source):
        problems += _check(Secret(reference, root), source.document.position(path))
    return problems


def require_secrets(source: SpecFile, root: Path) -> None:
    """Raise SpecError if a secret the stack needs to start cannot be used."""
    problems = [problem for problem in check_secrets(source, root) if problem.severity >= Severity.ERROR]
    if problems:
        raise SpecError(problems)


def secret_references(source: SpecFile) -> list[tuple[SpecPath, str]]:
    """Every secret reference of a spec with its place in it; the gateway's own master key has none."""
    spec = source.spec
    found: list[tuple[SpecPath, str | None]] = [((), f"file:{MASTER_KEY_FILE}")]
    for m, model in enumerate(spec.models):
        for d, deployment in enumerate(model.deployments):
            place: SpecPath = ("models", m, "deployments", d)
            found.append(((*place, "api_key"), deployment.api_key))
            found += [
                ((*place, "headers", name), value)
                for name, value in deployment.headers.items()
                if value.startswith(("env:", "file:"))
            ]
    found += [(("keys", k, "secret"), key.secret) for k, key in enumerate(spec.keys)]
    found.append((("gateway", "metrics", "token"), spec.gateway.metrics.token))
    if spec.gateway.database.url != "sqlite":
        found.append((("gateway", "database", "url"), spec.gateway.database.url))
    if spec.gateway.cache is not None:
        found.append((("gateway", "cache", "url"), spec.gateway.cache.url))
    for name, receiver in spec.alerts.receivers.configured().items():
        for field in SECRET_FIELDS:
            found.append((("alerts", "receivers", name, field), getattr(receiver, field, None)))
    return [(path, reference) for path, reference in found if reference is not None]


def _check(secret: Secret, position: Position) -> list[Problem]:
    try:
        value = secret.read()
    except UsageError as error:
        return [Problem("secret/missing", error.message, position=position, remedy=error.remedy)]
    problems: list[Problem] = []
    if secret.is_file and secret.path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        problems.append(
            Problem(
                "secret/mode",
                f"the secret file {secret.name} can be read by others",
                Severity.WARNING,
                position,
                remedy=f"chmod 600 {secret.path}",
            )
        )
    if position.file and "slack" in secret.name and urlsplit(value).scheme not in ("http", "https"):
        problems.append(
            Problem("secret/slack-url", f"the secret file {secret.name} does not hold a webhook URL", position=position)
        )
    return problems
