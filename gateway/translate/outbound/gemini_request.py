"""A chat or embeddings request for Google's Gemini API.

https://ai.google.dev/api/generate-content, https://ai.google.dev/api/embeddings
"""

from __future__ import annotations

import re
from typing import Any

from gateway.translate.faults import UnsupportedError, WrongRequestError, an_object
from gateway.translate.outbound.anthropic_request import refuse
from gateway.translate.outbound.chat_content import functions_of, wanted_schema
from gateway.translate.outbound.gemini_content import conversation

# Chat's name, Gemini's name in generationConfig.
_SETTINGS = {
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "n": "candidateCount",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
_TRANSLATED = frozenset(
    {
        *_SETTINGS, "model", "messages", "stream", "stop", "tools", "tool_choice", "response_format",
        "reasoning_effort", "modalities",
    }
)  # fmt: skip
# They steer sampling, storage or billing at OpenAI; without them the answer has the same shape.
_HINTS = frozenset(
    {
        "logit_bias", "store", "service_tier", "verbosity", "metadata", "prompt_cache_key", "prompt_cache_retention",
        "safety_identifier", "stream_options", "prediction", "parallel_tool_calls", "user", "logprobs", "top_logprobs",
        "mock",
        "cache",
    }
)  # fmt: skip
# As Google's own OpenAI-compatible API maps them: https://ai.google.dev/gemini-api/docs/openai
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576}
_VERSION = re.compile(r"gemini-(\d{1,3})")
_SIGNED_SINCE = 3
_MODES = {"auto": "AUTO", "required": "ANY", "none": "NONE"}


def to_gemini(body: dict[str, Any], model: str) -> dict[str, Any]:
    """The body of `generateContent`; `model` decides whether calls must be signed. Raises UnsupportedError and WrongRequestError."""
    refuse(body)
    made = {n: v for n, v in body.items() if n not in _TRANSLATED and n not in _HINTS}
    system, made["contents"] = conversation(body["messages"], signed=_must_sign(model))
    if system:
        made["systemInstruction"] = {"parts": [{"text": system}]}
    settings = {**an_object(made.get("generationConfig") or {}, "generationConfig"), **_settings(body)}
    if settings:
        made["generationConfig"] = settings
    functions = functions_of(body)
    if functions:
        made["tools"] = [{"functionDeclarations": [_declaration(function) for function in functions]}]
        if body.get("tool_choice") is not None:
            made["toolConfig"] = {"functionCallingConfig": _choice(body["tool_choice"])}
    return made


def to_embeddings(body: dict[str, Any], model: str) -> dict[str, Any]:
    """The body of `batchEmbedContents`."""
    given = body["input"]
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise UnsupportedError("input", "must be text or a list of texts for this model's provider")
    size = {"outputDimensionality": body["dimensions"]} if body.get("dimensions") else {}
    name = f"models/{model.removeprefix('models/')}"
    return {"requests": [{"model": name, "content": {"parts": [{"text": text}]}, **size} for text in texts]}


def _must_sign(model: str) -> bool:
    version = _VERSION.search(model)
    return version is not None and int(version[1]) >= _SIGNED_SINCE


def _settings(body: dict[str, Any]) -> dict[str, Any]:
    made = {theirs: body[ours] for ours, theirs in _SETTINGS.items() if body.get(ours) is not None}
    if body.get("stop"):
        made["stopSequences"] = [body["stop"]] if isinstance(body["stop"], str) else body["stop"]
    kind, schema = wanted_schema(body)
    if kind != "text":
        made["responseMimeType"] = "application/json"
    if schema is not None:
        made["responseJsonSchema"] = schema
    effort = body.get("reasoning_effort")
    if effort is not None:
        if effort not in _BUDGETS:
            raise WrongRequestError("reasoning_effort", f"must be one of {', '.join(_BUDGETS)}")
        made["thinkingConfig"] = {"thinkingBudget": _BUDGETS[effort]}
    return made


def _declaration(function: dict[str, Any]) -> dict[str, Any]:
    made = {"name": function["name"]}
    if function.get("description"):
        made["description"] = function["description"]
    if function.get("parameters"):
        made["parametersJsonSchema"] = function["parameters"]
    return made


def _choice(choice: Any) -> dict[str, Any]:
    if isinstance(choice, str):
        if choice not in _MODES:
            raise WrongRequestError("tool_choice", "must be auto, required, none or a function")
        return {"mode": _MODES[choice]}
    return {"mode": "ANY", "allowedFunctionNames": [an_object(choice.get("function"), "tool_choice")["name"]]}
