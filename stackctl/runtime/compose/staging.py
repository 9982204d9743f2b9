"""Secrets as the containers read them.

A container's user is not the file's owner, and plain Compose mounts a secret with the mode the file has here. The
secrets in `secrets/` stay 0600; `up` copies what a service needs into .stackctl/compose/secrets: files of mode 0444 in
a directory of mode 0700, so that nobody else on this machine can reach them and every container can.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
from typing import TYPE_CHECKING

from stackctl.render.compose import (
    DATABASE_URL,
    GRAFANA_PASSWORD,
    MASTER_KEY,
    POSTGRES_PASSWORD,
    REDIS_PASSWORD,
    secrets_of,
)
from stackctl.render.places import secret_name
from stackctl.spec import Secret
from stackctl.spec.references import secret_uses

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stackctl.spec import Spec
    from stackctl.stack import StackDir

_GENERATED = {"grafana": GRAFANA_PASSWORD, "postgres": POSTGRES_PASSWORD, "redis": REDIS_PASSWORD}


def missing_secrets(stack: StackDir, spec: Spec) -> list[Path]:
    """The password files of the stack's own services that `up` will make, because nobody has chosen one."""
    runs = {"grafana": spec.runs_grafana, "postgres": spec.own_postgres, "redis": spec.own_redis}
    wanted = [reference for service, reference in _GENERATED.items() if runs[service]]
    named = [reference for reference in (spec.prometheus.password, spec.alertmanager.password) if reference]
    found = [secret.path for secret in (Secret(each, stack.root) for each in [*wanted, *named]) if secret.is_file]
    # A password file that the spec names is invented too, but never outside the directory of secrets.
    return list(dict.fromkeys(path for path in found if path.parent == stack.secrets and not path.exists()))


def make_missing_secrets(stack: StackDir, spec: Spec) -> list[str]:
    """Invent the passwords of the stack's own services that nobody has chosen; the names of the new files."""
    stack.secrets.mkdir(mode=0o700, exist_ok=True)
    made = missing_secrets(stack, spec)
    for path in made:
        _write(path, secrets.token_urlsafe(24) + "\n", 0o600)
    return [path.name for path in made]


def stage_secrets(stack: StackDir, spec: Spec) -> dict[str, str]:
    """Copy every secret the services need to where they are mounted from; returns `secret_digests`.

    Raises UsageError if a secret is missing.
    """
    directory = staged(stack)
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    values = _values(stack, spec)
    for name in sorted({name for names in secrets_of(spec).values() for name in names}):
        if name.endswith("-web"):
            _stage_web_config(directory / name, values[name.removesuffix("-web") + "-password"]())
        else:
            _refresh(directory / name, values[name]())
    salt = _salt_file(stack)
    if not salt.exists():
        _write(salt, secrets.token_hex(16), 0o600)
    return secret_digests(stack, spec)


def secret_digests(stack: StackDir, spec: Spec) -> dict[str, str]:
    """The environment for `docker compose`: one salted digest per service, so that a changed secret recreates exactly
    the containers that read it. Writes nothing: a password that is yet to be made counts as an empty one.

    Raises UsageError if a secret is missing that only a person can give.
    """
    values, salt = _values(stack, spec), _salt(stack)
    return {
        f"STACKCTL_SECRETS_{service.upper()}": _digest(salt, [values[name]() for name in names if name in values])
        for service, names in secrets_of(spec).items()
    }


def forget_secrets(stack: StackDir) -> None:
    """Remove the copies; the containers that read them are gone."""
    shutil.rmtree(staged(stack), ignore_errors=True)


def staged(stack: StackDir) -> Path:
    """The directory the secrets are mounted from."""
    return stack.state / "compose" / "secrets"


def _values(stack: StackDir, spec: Spec) -> dict[str, Callable[[], str]]:
    """Secret name → how to get its value; nothing is read before it is needed."""
    references = [MASTER_KEY, *_GENERATED.values(), *(use.reference for use in secret_uses(spec))]
    found = {secret_name(reference): _reader(stack, spec, reference) for reference in references}
    for part, password in (("prometheus", spec.prometheus.password), ("alertmanager", spec.alertmanager.password)):
        if password:
            read = _reader(stack, spec, password)
            found[f"{part}-password"] = read
            found[f"{part}-basic"] = lambda read=read: base64.b64encode(f"admin:{read()}".encode()).decode()  # type: ignore[misc]
    password_of = _reader(stack, spec, POSTGRES_PASSWORD)
    found[DATABASE_URL] = lambda: f"postgresql://llm:{password_of()}@postgres:5432/llm"
    return found


def _reader(stack: StackDir, spec: Spec, reference: str) -> Callable[[], str]:
    secret = Secret(reference, stack.root)
    to_be_made = secret.is_file and secret.path in missing_secrets(stack, spec)
    return str if to_be_made else secret.read


def _stage_web_config(path: Path, password: str) -> None:
    """Prometheus' web configuration knows the hash only (https://prometheus.io/docs/prometheus/latest/configuration/https/)."""
    import bcrypt

    present = path.read_text(encoding="utf-8") if path.exists() else ""
    known = present.partition("admin: '")[2].partition("'")[0]
    if not known or not bcrypt.checkpw(password.encode(), known.encode()):
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=10)).decode()
        _refresh(path, f"basic_auth_users:\n  admin: '{hashed}'\n")


def _refresh(path: Path, value: str) -> None:
    """Write in place: a running container has this very file mounted, not its name."""
    if not path.exists() or path.read_text(encoding="utf-8") != value:
        _write(path, value, 0o444)


def _write(path: Path, value: str, mode: int) -> None:
    if path.exists():
        path.chmod(0o644)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(value)
    path.chmod(mode)


def _salt_file(stack: StackDir) -> Path:
    return stack.state / "compose" / "salt"


def _salt(stack: StackDir) -> str:
    """Made with the first start; before it there is no container that carries a digest."""
    path = _salt_file(stack)
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _digest(salt: str, values: list[str]) -> str:
    return hashlib.sha256("\0".join([salt, *values]).encode()).hexdigest()[:16] if values else "none"
