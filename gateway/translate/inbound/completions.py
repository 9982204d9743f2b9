"""Legacy completions for upstreams that have only chat completions: the prompt is the user's message."""

from __future__ import annotations

from typing import Any

from gateway.providers.usage import to_chat as usage_object
from gateway.tokens import Usage
from gateway.translate.events import plain
from gateway.translate.faults import UnsupportedError, WrongRequestError

_REFUSED = ("suffix", "echo", "logprobs")


def to_chat(body: dict[str, Any]) -> dict[str, Any]:
    """The chat request. Raises UnsupportedError and WrongRequestError."""
    for field in _REFUSED:
        if body.get(field):
            raise UnsupportedError(field)
    if (body.get("best_of") or 1) != 1:
        raise UnsupportedError("best_of")
    left_out = {"prompt", "best_of", *_REFUSED}
    chat = {n: v for n, v in body.items() if n not in left_out}
    chat["messages"] = [{"role": "user", "content": _prompt(body.get("prompt"))}]
    return chat


def from_chat(answer: dict[str, Any], asked: dict[str, Any], usage: Usage) -> dict[str, Any]:
    """A text completion with every choice of the chat answer."""
    choices = [
        {
            "index": index,
            "text": choice["message"].get("content") or "",
            "logprobs": None,
            "finish_reason": choice.get("finish_reason"),
        }
        for index, choice in enumerate(answer["choices"])
    ]
    return {**_envelope(answer, asked), "choices": choices, "usage": usage_object(usage)}


def writer(asked: dict[str, Any]) -> CompletionsWriter:
    """Chunks to pieces of text."""
    return CompletionsWriter(asked)


class CompletionsWriter:
    """One event per chunk that says something."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._asked = asked
        options = asked.get("stream_options")
        self._wants_usage = isinstance(options, dict) and bool(options.get("include_usage"))
        self._last: dict[str, Any] = {}

    def feed(self, chunk: dict[str, Any]) -> list[bytes]:
        """The events one chunk makes."""
        self._last = chunk
        choices = [
            {
                "index": choice.get("index") or 0,
                "text": (choice.get("delta") or {}).get("content") or "",
                "logprobs": None,
                "finish_reason": choice.get("finish_reason"),
            }
            for choice in chunk.get("choices") or ()
        ]
        return [plain({**_envelope(chunk, self._asked), "choices": choices})] if choices else []

    def closing(self, usage: Usage) -> tuple[list[bytes], bytes]:
        """The usage, if it was asked for."""
        shown = {**_envelope(self._last, self._asked), "choices": [], "usage": usage_object(usage)}
        return [plain(shown)] if self._wants_usage else [], b"data: [DONE]\n\n"


def _prompt(prompt: Any) -> str:
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, list):
        raise UnsupportedError("prompt", "must be one text for this model's provider, not tokens nor several texts")
    raise WrongRequestError("prompt", "must be text")


def _envelope(answer: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": answer.get("id") or "cmpl-gateway",
        "object": "text_completion",
        "created": answer.get("created") or 0,
        "model": asked["model"],
    }
