"""A chat request for Anthropic's Messages API.

https://platform.openai.com/docs/api-reference/chat, https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

from typing import Any

from gateway.translate.faults import UnsupportedError, WrongRequestError, an_object
from gateway.translate.outbound.anthropic_content import conversation
from gateway.translate.outbound.chat_content import functions_of, wanted_schema

# Anthropic demands a limit; this is what a request without one gets.
DEFAULT_MAX_TOKENS = 4096
# Tokens of thinking for OpenAI's efforts; the limit of the whole answer must lie above.
_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 4096, "high": 16384, "xhigh": 32768}
_TRANSLATED = frozenset(
    {
        "messages", "max_tokens", "max_completion_tokens", "stop", "temperature", "tools", "tool_choice", "user",
        "parallel_tool_calls", "response_format", "reasoning_effort", "n", "modalities",
    }
)  # fmt: skip
# They steer sampling, storage or billing at OpenAI; without them the answer has the same shape.
_HINTS = frozenset(
    {
        "seed", "frequency_penalty", "presence_penalty", "logit_bias", "store", "service_tier", "verbosity", "metadata",
        "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "stream_options", "prediction", "mock", "cache",
        "logprobs", "top_logprobs",
    }
)  # fmt: skip
_REFUSED = ("logprobs", "top_logprobs", "audio", "web_search_options", "functions", "function_call")
_JSON_ONLY = "Answer with one JSON object and nothing else."


def refuse(body: dict[str, Any]) -> None:
    """Raises UnsupportedError for what neither Anthropic nor Gemini's text models give."""
    for field in _REFUSED:
        if body.get(field):
            raise UnsupportedError(field)
    if "audio" in (body.get("modalities") or ()):
        raise UnsupportedError("modalities")


def to_messages(body: dict[str, Any], model: str) -> dict[str, Any]:
    """The body of `POST /v1/messages`. Raises UnsupportedError and WrongRequestError."""
    refuse(body)
    if body.get("n") not in (None, 1):
        raise UnsupportedError("n")
    made = {n: v for n, v in body.items() if n not in _TRANSLATED and n not in _HINTS}
    kind, schema = wanted_schema(body)
    system, messages = conversation(body["messages"], _JSON_ONLY if kind == "json_object" else "")
    made.update(model=model, messages=messages)
    if system:
        made["system"] = system
    made["max_tokens"] = body.get("max_completion_tokens") or body.get("max_tokens") or DEFAULT_MAX_TOKENS
    if body.get("temperature") is not None:
        made["temperature"] = min(body["temperature"], 1.0)
    if body.get("stop"):
        made["stop_sequences"] = [body["stop"]] if isinstance(body["stop"], str) else body["stop"]
    if isinstance(body.get("user"), str):
        made["metadata"] = {"user_id": body["user"]}
    if schema is not None:
        made["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    _tools(made, body)
    _think(made, body.get("reasoning_effort"))
    return made


def _tools(made: dict[str, Any], body: dict[str, Any]) -> None:
    functions = functions_of(body)
    if not functions:
        return
    tools = []
    for function, tool in zip(functions, body["tools"], strict=True):
        named = {"name": function["name"], "input_schema": _schema(function)}
        if function.get("description"):
            named["description"] = function["description"]
        if function.get("strict"):
            named["strict"] = True
        if "cache_control" in tool:
            named["cache_control"] = tool["cache_control"]
        tools.append(named)
    made["tools"] = tools
    choice = _choice(body.get("tool_choice"))
    if body.get("parallel_tool_calls") is False and choice != {"type": "none"}:
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    if choice:
        made["tool_choice"] = choice


def _schema(function: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {}} | (function.get("parameters") or {})


def _choice(choice: Any) -> dict[str, Any] | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in ("auto", "required", "none"):
            raise WrongRequestError("tool_choice", "must be auto, required, none or a function")
        return {"type": "any" if choice == "required" else choice}
    return {"type": "tool", "name": an_object(choice.get("function"), "tool_choice")["name"]}


def _think(made: dict[str, Any], effort: Any) -> None:
    if "thinking" in made or effort is None or effort == "none":
        return
    budget = _BUDGETS.get(effort)
    if budget is None:
        raise WrongRequestError("reasoning_effort", f"must be none or one of {', '.join(_BUDGETS)}")
    made["thinking"] = {"type": "enabled", "budget_tokens": budget}
    if made["max_tokens"] <= budget:
        made["max_tokens"] += budget
    # Anthropic takes no other temperature together with thinking.
    made.pop("temperature", None)
