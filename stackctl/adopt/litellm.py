"""LiteLLM's config.yaml → stack.yaml, with every setting that has no place in a spec named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackctl.errors import UsageError
from stackctl.problem import Problem, Severity
from stackctl.render.yaml_text import to_yaml
from stackctl.source import Node, read_yaml
from stackctl.spec import parse_spec

if TYPE_CHECKING:
    from pathlib import Path

_PER_MILLION = 1_000_000
_ENVIRONMENT = "os.environ/"
_TAKEN = {
    "litellm_params": {
        *("model", "api_base", "api_key", "rpm", "tpm", "weight", "input_cost_per_token", "output_cost_per_token"),
        *("mock_response", "api_version", "timeout"),
    },
    "litellm_settings": {
        *("callbacks", "success_callback", "failure_callback", "cache", "cache_params"),
        *("fallbacks", "context_window_fallbacks", "num_retries", "allowed_fails"),
    },
    "router_settings": {
        *("redis_host", "redis_port", "redis_password", "redis_url"),
        *("fallbacks", "context_window_fallbacks", "num_retries", "allowed_fails", "cooldown_time"),
    },
    "general_settings": {"master_key", "database_url", "database_connection_pool_limit"},
}
"""What a spec has a place for. What the rendered configuration sets by itself counts as taken."""


@dataclass(frozen=True)
class Adopted:
    """The text of a valid spec, and what could not be taken over."""

    text: str
    problems: list[Problem]


def adopt_litellm(file: Path, *, name: str, workers: int, version: str, runtime: str) -> Adopted:
    """A spec that serves the same models. Raises UsageError if the file is no configuration, SpecError if none results.

    Secrets stay where they are: `os.environ/X` becomes env:X. A key that stands in the file is not copied.
    """
    try:
        root = read_yaml(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}") from None
    if not list(root.get("model_list")):
        raise UsageError(f"{file} has no model_list: it is not LiteLLM's config.yaml", remedy="name that file")
    problems: list[Problem] = []
    spec: dict[str, Any] = {"version": 1, "name": name, "runtime": runtime}
    spec["gateway"] = _gateway(root, workers, version, runtime)
    spec["models"] = _models(root, problems)
    problems += _left_out(root)
    text = f"# Made from {file.name}. `stackctl explain FIELD` says what a field means.\n{to_yaml(spec)}"
    parse_spec(text, "stack.yaml")
    return Adopted(text, sorted(problems, key=lambda problem: problem.position))


def _gateway(root: Node, workers: int, version: str, runtime: str) -> dict[str, Any]:
    gateway: dict[str, Any] = {"engine": "litellm"} | ({"version": version} if version else {}) | {"workers": workers}
    general = root.get("general_settings")
    limit = general.get("database_connection_pool_limit").text
    database: dict[str, Any] = {}
    if (url := general.get("database_url").text).startswith(_ENVIRONMENT) and runtime == "local":
        database["url"] = _reference(url)
    if limit.isdigit():
        database["pool_size"] = int(limit) * workers  # LiteLLM's is per worker, the spec's is the total
    gateway |= {"routing": routing} if (routing := _routing(root)) else {}
    return gateway | ({"database": database} if database else {})


def _routing(root: Node) -> dict[str, Any]:
    routing: dict[str, Any] = {}
    for section in ("litellm_settings", "router_settings"):  # the router's own come last: they win
        settings = root.get(section)
        for name, field in (("num_retries", "retries"), ("allowed_fails", "allowed_failures")):
            if settings.get(name).text.isdigit():
                routing[field] = int(settings.get(name).text)
        if seconds := settings.get("cooldown_time").text:
            routing["cooldown"] = _duration(seconds)
    return routing


def _duration(seconds: str) -> str:
    return f"{round(float(seconds) * 1000)}ms" if "." in seconds else f"{seconds}s"


def _models(root: Node, problems: list[Problem]) -> list[dict[str, Any]]:
    models: dict[str, dict[str, Any]] = {}
    for entry in root.get("model_list"):
        name = entry.get("model_name").text
        model = models.setdefault(name, {"name": name, "deployments": []})
        model["deployments"].append(_deployment(entry.get("litellm_params"), problems))
    for section in ("litellm_settings", "router_settings"):
        for setting, field in (("fallbacks", "fallbacks"), ("context_window_fallbacks", "context_fallbacks")):
            for item in root.get(section, setting):
                for name, targets in item.items():
                    if name in models:
                        models[name][field] = [target.text for target in targets if target.text in models]
    return list(models.values())


def _deployment(parameters: Node, problems: list[Problem]) -> dict[str, Any]:
    head, slash, tail = parameters.get("model").text.partition("/")
    deployment: dict[str, Any] = {"provider": head if slash else "openai", "model": tail if slash else head}
    if parameters.get("mock_response"):
        return deployment | {"provider": "mock"}
    for name in ("api_base", "api_version"):
        if text := parameters.get(name).text:
            deployment[name] = text
    if seconds := parameters.get("timeout").text:
        deployment["timeouts"] = {"total": _duration(seconds)}
    key = parameters.get("api_key")
    if key.text.startswith(_ENVIRONMENT):
        deployment["api_key"] = _reference(key.text)
    elif key.text and key.text.lower() != "none":
        problems.append(
            _problem(
                "a key stands in the file and was not copied",
                key,
                "put it into a file and name that: api_key: file:secrets/…",
            )
        )
    for name in ("rpm", "tpm", "weight"):
        if parameters.get(name):
            deployment[name] = parameters.get(name).data
    return deployment | _price(parameters)


def _price(parameters: Node) -> dict[str, Any]:
    costs = [parameters.get(f"{side}_cost_per_token").text for side in ("input", "output")]
    if not all(costs):
        return {}
    million = [round(float(cost) * _PER_MILLION, 9) for cost in costs]
    return {"price": {"input_usd_per_million_tokens": million[0], "output_usd_per_million_tokens": million[1]}}


def _left_out(root: Node) -> list[Problem]:
    found = [
        _problem(
            f"{section}.{name} has no place in a spec",
            root.get(section).get(name),
            "",
            at=root.get(section).key_position(name),
        )
        for section in ("litellm_settings", "router_settings", "general_settings")
        for name, _ in root.get(section).items()
        if name not in _TAKEN[section]
    ]
    for entry in root.get("model_list"):
        parameters = entry.get("litellm_params")
        found += [
            _problem(f"litellm_params.{name} has no place in a spec", value, "", at=parameters.key_position(name))
            for name, value in parameters.items()
            if name not in _TAKEN["litellm_params"]
        ]
    known = {"model_list", *_TAKEN}
    found += [
        _problem(f"{name} has no place in a spec", value, "", at=root.key_position(name))
        for name, value in root.items()
        if name not in known
    ]
    return found


def _problem(message: str, node: Node, remedy: str, *, at: Any = None) -> Problem:
    remedy = remedy or "leave it behind, or go on running LiteLLM by hand for it"
    return Problem("adopt/left-out", message, Severity.WARNING, at or node.position, remedy=remedy)


def _reference(text: str) -> str:
    return f"env:{text.removeprefix(_ENVIRONMENT)}"
