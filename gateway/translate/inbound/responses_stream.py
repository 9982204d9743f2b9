"""Chat chunks as the events of a streamed response.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from typing import Any

from gateway.tokens import Usage
from gateway.translate.events import named
from gateway.translate.inbound.responses_object import (
    call_item,
    finished,
    message_item,
    reasoning_item,
    response_object,
    text_part,
)


class _Item:
    """An output item that is being written."""

    def __init__(self, kind: str, number: int, index: int, identity: str, call: str = "", name: str = "") -> None:
        self.kind = kind
        self.number = number
        self.index = index
        self.identity = identity
        self.call = call
        self.name = name
        self.text: list[str] = []

    def shown(self, status: str) -> dict[str, Any]:
        """The item as far as it is written."""
        text = "".join(self.text)
        if self.kind == "message":
            return message_item(self.identity, text, status)
        if self.kind == "call":
            return call_item(self.identity, self.call, self.name, text, status)
        return reasoning_item(self.identity, text)

    def place(self) -> dict[str, Any]:
        """Where its events belong."""
        found: dict[str, Any] = {"item_id": self.identity, "output_index": self.index}
        if self.kind == "message":
            found["content_index"] = 0
        elif self.kind == "reasoning":
            found["summary_index"] = 0
        return found


class ResponsesWriter:
    """One item is open at a time."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._asked = asked
        self._response: dict[str, Any] = {}
        self._numbers = 0
        self._item: _Item | None = None
        self._calls: set[int] = set()
        self._output: list[dict[str, Any]] = []
        self._finish: Any = None

    def feed(self, chunk: dict[str, Any]) -> list[bytes]:
        """The events one chunk makes."""
        events = self._start(chunk)
        for choice in (chunk.get("choices") or ())[:1]:
            delta = choice.get("delta") or {}
            self._finish = choice.get("finish_reason") or self._finish
            reasoning = delta.get("reasoning_content") or delta.get("reasoning")
            if isinstance(reasoning, str) and reasoning:
                events += self._open("reasoning", 0)
                events += self._say("response.reasoning_summary_text.delta", reasoning)
            if delta.get("content"):
                events += self._open("message", 0)
                events += self._say("response.output_text.delta", delta["content"], logprobs=[])
            for call in delta.get("tool_calls") or ():
                events += self._call(call)
        return events

    def closing(self, usage: Usage) -> tuple[list[bytes], bytes]:
        """The last item's end; then the whole response."""
        events = self._start({}) + self._close()
        response = finished(self._response, self._finish, self._output, usage)
        return events, self._event(f"response.{response['status']}", response=response)

    def _start(self, chunk: dict[str, Any]) -> list[bytes]:
        if self._response:
            return []
        identity = f"resp_{chunk.get('id') or 'gateway'}"
        self._response = response_object(self._asked, identity, int(chunk.get("created") or 0))
        return [self._event(f"response.{name}", response=self._response) for name in ("created", "in_progress")]

    def _call(self, call: dict[str, Any]) -> list[bytes]:
        number, function = call.get("index") or 0, call.get("function") or {}
        if number in self._calls and (self._item is None or self._item.number != number or self._item.kind != "call"):
            raise ValueError("pieces of several calls are mixed")
        self._calls.add(number)
        events = self._open("call", number, call.get("id") or f"call_{number}", function.get("name") or "")
        if function.get("arguments"):
            events += self._say("response.function_call_arguments.delta", function["arguments"])
        return events

    def _open(self, kind: str, number: int, call: str = "", name: str = "") -> list[bytes]:
        if self._item is not None and (self._item.kind, self._item.number) == (kind, number):
            return []
        events = self._close()
        prefix = {"message": "msg", "call": "fc", "reasoning": "rs"}[kind]
        index = len(self._output)
        item = self._item = _Item(kind, number, index, f"{prefix}_{self._response['id']}_{index}", call, name)
        events.append(self._event("response.output_item.added", output_index=index, item=item.shown("in_progress")))
        if kind == "message":
            events.append(self._event("response.content_part.added", **item.place(), part=text_part("")))
        elif kind == "reasoning":
            part = {"type": "summary_text", "text": ""}
            events.append(self._event("response.reasoning_summary_part.added", **item.place(), part=part))
        return events

    def _say(self, name: str, delta: str, **more: Any) -> list[bytes]:
        if self._item is None:
            return []
        self._item.text.append(delta)
        return [self._event(name, **self._item.place(), delta=delta, **more)]

    def _close(self) -> list[bytes]:
        item, self._item = self._item, None
        if item is None:
            return []
        text, place, shown = "".join(item.text), item.place(), item.shown("completed")
        self._output.append(shown)
        if item.kind == "message":
            events = [
                self._event("response.output_text.done", **place, text=text, logprobs=[]),
                self._event("response.content_part.done", **place, part=text_part(text)),
            ]
        elif item.kind == "call":
            events = [self._event("response.function_call_arguments.done", **place, name=item.name, arguments=text)]
        else:
            part = {"type": "summary_text", "text": text}
            events = [
                self._event("response.reasoning_summary_text.done", **place, text=text),
                self._event("response.reasoning_summary_part.done", **place, part=part),
            ]
        events.append(self._event("response.output_item.done", output_index=item.index, item=shown))
        return events

    def _event(self, name: str, /, **fields: Any) -> bytes:
        number, self._numbers = self._numbers, self._numbers + 1
        return named({"type": name, "sequence_number": number, **fields})
