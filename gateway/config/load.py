"""Read, check and resolve one config file."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from pydantic import ValidationError

from gateway.config.known import known
from gateway.config.model import Config, Deployment
from gateway.config.proxy import DIRECT, check_proxy_url, proxies_of_environment, proxy_of
from gateway.config.secret import is_reference, resolve
from gateway.errors import ConfigError

# The fields that hold secret references, wherever they stand in the file.
_SECRET_FIELDS = frozenset({"master_key", "token", "api_key", "secret", "url", "password"})
# Without an address of their own, or with a library that knows its way.
_NO_WAY = frozenset({"mock", "sdk"})


def load(path: Path) -> Config:
    """Parse the file and resolve its secrets. Raises ConfigError with one line per problem."""
    checked = _parse(path)
    problems: list[str] = []
    resolved = _resolve(checked.model_dump(exclude_unset=True), path, "", problems)
    if problems:
        raise ConfigError(problems)
    config: Config = _replace(checked, resolved)
    if not _may_be_postgresql(config.database.url):
        remedy = "write postgresql://USER:PASSWORD@HOST:PORT/NAME into it, special characters as %XX"
        raise ConfigError([f"{path}: database.url: the secret is no PostgreSQL URL; {remedy}"])
    try:
        return _with_proxies(config)
    except ValueError as error:
        raise ConfigError([f"{path}: {error}"]) from None


def _may_be_postgresql(url: str) -> bool:
    """Waiting for a server is right, waiting for a URL to become one is not."""
    if url == "sqlite":
        return True
    try:
        parts = urlsplit(url)
        return parts.scheme in ("postgresql", "postgres") and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _parse(path: Path) -> Config:
    try:
        raw = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError([f"{where}: not YAML: {getattr(error, 'problem', error)}"]) from None
    if not isinstance(raw, dict):
        raise ConfigError([f"{path}: must be a mapping with `version: 1` at its top"])
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(_lines(path, error)) from None


def _lines(path: Path, error: ValidationError) -> list[str]:
    items: list[dict[str, Any]] = [dict(item) for item in error.errors(include_input=False)]
    # A list whose only item is wrong is also reported as too short; the item's own line says enough.
    inner = {item["loc"][: len(item["loc"]) - n] for item in items for n in range(1, len(item["loc"]))}
    return [_line(path, item) for item in items if not (item["type"] == "too_short" and item["loc"] in inner)]


def _line(path: Path, item: dict[str, Any]) -> str:
    field = _field(item["loc"])
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        message = "unknown field"
    return f"{path}: {field}: {message}" if field else f"{path}: {message}"


def _field(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _resolve(value: Any, path: Path, field: str, problems: list[str]) -> Any:
    if isinstance(value, dict):
        return {k: _resolve_field(k, v, path, f"{field}.{k}".lstrip("."), problems) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_resolve(v, path, f"{field}[{i}]", problems) for i, v in enumerate(value))
    return value


def _resolve_field(name: str, value: Any, path: Path, field: str, problems: list[str]) -> Any:
    if name == "headers" and isinstance(value, dict):
        return {n: _resolve_header(v, path, f"{field}.{n}", problems) for n, v in value.items()}
    if name == "proxy" and isinstance(value, str) and is_reference(value):
        return _resolved_proxy(value, path, field, problems)
    if name not in _SECRET_FIELDS or not isinstance(value, str) or value == "sqlite":
        return _resolve(value, path, field, problems)
    return _resolved(value, path, field, problems)


def _resolve_header(value: str, path: Path, field: str, problems: list[str]) -> str:
    if not is_reference(value):
        return value
    return _resolved(value, path, field, problems, spaces=True)


def _resolved(reference: str, path: Path, field: str, problems: list[str], *, spaces: bool = False) -> str:
    try:
        return resolve(reference, path.parent, spaces=spaces)
    except ValueError as error:
        problems.append(f"{path}: {field}: {error}")
        return reference


def _resolved_proxy(reference: str, path: Path, field: str, problems: list[str]) -> str:
    before = len(problems)
    url = _resolved(reference, path, field, problems)
    if len(problems) == before and url != DIRECT:
        try:
            check_proxy_url(url)
        except ValueError as error:
            problems.append(f"{path}: {field}: what {reference} holds {error}")
    return url


def _with_proxies(config: Config) -> Config:
    """Every deployment with the proxy that holds for it, or none. Raises ValueError."""
    environment = proxies_of_environment()

    def placed(deployment: Deployment) -> Deployment:
        provider = known(deployment.provider)
        if provider.wire in _NO_WAY:
            return deployment
        url = deployment.api_base or provider.base or ""
        return deployment.model_copy(update={"proxy": proxy_of(url, deployment.proxy, config.proxy, environment)})

    models = [m.model_copy(update={"deployments": tuple(map(placed, m.deployments))}) for m in config.models]
    return config.model_copy(update={"models": tuple(models)})


def _replace(part: Any, values: Any) -> Any:
    """The same config with values in place of references; the values must not be checked as references."""
    if isinstance(part, tuple):
        return tuple(_replace(p, v) for p, v in zip(part, values, strict=True))
    if hasattr(part, "model_copy"):
        return part.model_copy(update={k: _replace(getattr(part, k), v) for k, v in values.items()})
    return values
