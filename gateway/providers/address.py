"""Where a deployment's requests go: URL and headers per kind of request, made once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from gateway.config import Deployment, known
from gateway.providers.base import Kind
from gateway.upstream import Target

_PATHS: dict[Kind, str] = {
    "chat": "chat/completions",
    "completions": "completions",
    "embeddings": "embeddings",
    "responses": "responses",
    "messages": "messages",
    "count_tokens": "messages/count_tokens",
}
_AZURE_VERSION = "2024-10-21"
# Azure's first dated version with the Responses API.
_AZURE_RESPONSES_SINCE = "2025-03-01"
# Names of Azure's undated API: the model is in the body there, as at OpenAI.
_AZURE_UNDATED = ("v1", "latest", "preview")
_ANTHROPIC_VERSION = "2023-06-01"


def base(deployment: Deployment) -> str:
    """The deployment's own base address or its provider's, without a slash at the end."""
    return (deployment.api_base or known(deployment.provider).base or "").rstrip("/")


def openai_target(deployment: Deployment, kind: Kind) -> Target:
    """An OpenAI-shaped API: the endpoint's path below the base."""
    return Target.post(f"{base(deployment)}/{_PATHS[kind]}", headers(deployment), deployment.proxy)


def azure_target(deployment: Deployment, kind: Kind) -> Target:
    """Azure OpenAI: the deployment's name in the path and a dated version, or the undated `v1` API.

    https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
    """
    version = deployment.api_version or _AZURE_VERSION
    root = base(deployment).removesuffix("/v1").removesuffix("/openai")
    if version in _AZURE_UNDATED:
        query = "" if version == "v1" else f"?api-version={version}"
        url = f"{root}/openai/v1/{_PATHS[kind]}{query}"
    elif kind == "responses":
        url = f"{root}/openai/responses?api-version={version}"
    else:
        model = quote(deployment.model, safe="")
        url = f"{root}/openai/deployments/{model}/{_PATHS[kind]}?api-version={version}"
    return Target.post(url, headers(deployment), deployment.proxy)


def azure_has_responses(deployment: Deployment) -> bool:
    """Whether this version of Azure's API has the Responses API."""
    version = deployment.api_version or _AZURE_VERSION
    return version in _AZURE_UNDATED or version >= _AZURE_RESPONSES_SINCE


def anthropic_target(deployment: Deployment, kind: Kind) -> Target:
    """Anthropic's Messages API; the base may be given with or without `/v1`."""
    root = base(deployment).removesuffix("/v1")
    version = {"anthropic-version": deployment.api_version or _ANTHROPIC_VERSION}
    return Target.post(
        f"{root}/v1/{_PATHS['messages' if kind == 'chat' else kind]}", version | headers(deployment), deployment.proxy
    )


def gemini_target(deployment: Deployment, method: str) -> Target:
    """Gemini's API: the model and the method in the path. The key goes in a header, never in the query."""
    model = quote(deployment.model.removeprefix("models/"), safe="")
    return Target.post(f"{base(deployment)}/models/{model}:{method}", headers(deployment), deployment.proxy)


def headers(deployment: Deployment) -> dict[str, str]:
    """The credential, in the provider's way, and the deployment's own headers, which go before it."""
    auth = known(deployment.provider).auth
    found: dict[str, str] = {}
    if deployment.api_key and auth == "bearer":
        found["Authorization"] = f"Bearer {deployment.api_key}"
    elif deployment.api_key:
        found[auth] = deployment.api_key
    own = {name.lower() for name in deployment.headers}
    return {name: value for name, value in found.items() if name.lower() not in own} | deployment.headers


def with_headers(target: Target, more: Mapping[str, str]) -> Target:
    """The same target with headers of one request in front of its last line."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in more.items() if _fits_header(value))
    head, separator, last = target.head.rpartition(b"\r\n")
    return replace(target, head=head + separator + lines.encode() + last)


def _fits_header(value: str) -> bool:
    return value.isascii() and value.isprintable()
