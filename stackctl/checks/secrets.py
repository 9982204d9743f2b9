"""Check `secret/*`: every secret the stack needs is there, is not empty and is not readable by others."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from stackctl.errors import SpecError, UsageError
from stackctl.problem import Position, Problem, Severity
from stackctl.render.gateway import MASTER_KEY_FILE
from stackctl.spec import Secret
from stackctl.spec.references import secret_uses

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
    used = [(use.path, use.reference) for use in secret_uses(source.spec)]
    return [((), f"file:{MASTER_KEY_FILE}"), *used]


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
