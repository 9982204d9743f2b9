"""Chat messages as Gemini's system instruction and contents."""

from __future__ import annotations

import mimetypes
from typing import Any

import orjson

from gateway.translate.faults import UnsupportedError, WrongRequestError, a_list, an_object
from gateway.translate.outbound.chat_content import arguments_of, data_uri, file_data, image_url, parts_of, text_of

Part = dict[str, Any]
# What Google's documentation says to send for calls whose signature is not known: APIs other than chat have no place
# for it, and other models' calls never had one. https://ai.google.dev/gemini-api/docs/thought-signatures
_NO_SIGNATURE = "skip_thought_signature_validator"


def conversation(messages: Any, signed: bool = False) -> tuple[str, list[dict[str, Any]]]:
    """System instruction and turns; a function's answers are one turn of the user, named by the function.

    `signed`: the model refuses calls without a signature of its thoughts.
    """
    system: list[str] = []
    turns: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    for message in a_list(messages, "messages"):
        role = an_object(message, "messages").get("role")
        if role in ("system", "developer"):
            system.append(text_of(message.get("content")))
            continue
        parts = _parts(role, message, names, signed)
        speaker = "model" if role == "assistant" else "user"
        if parts and turns and turns[-1]["role"] == speaker:
            turns[-1]["parts"] += parts
        elif parts:
            turns.append({"role": speaker, "parts": parts})
    if not turns:
        raise WrongRequestError("messages", "must hold a message of the user")
    return "\n\n".join(system), turns


def _parts(role: Any, message: dict[str, Any], names: dict[str, str], signed: bool) -> list[Part]:
    if role == "user":
        return [_part(part) for part in parts_of(message.get("content"))]
    if role == "assistant":
        calls = a_list(message.get("tool_calls") or [], "messages")
        said = [_part(part) for part in parts_of(message.get("content"))]
        return said + [_call(an_object(call, "messages"), names, signed) for call in calls]
    if role == "tool":
        return [_response(message, names)]
    raise WrongRequestError("messages", "must each have the role system, developer, user, assistant or tool")


def _call(call: dict[str, Any], names: dict[str, str], signed: bool) -> Part:
    name = an_object(call.get("function"), "messages")["name"]
    names[call["id"]] = name
    part: Part = {"functionCall": {"name": name, "args": arguments_of(call)}}
    # The model signs its thoughts and wants the signature back; a chat keeps it where Google's own chat API does.
    google = (call.get("extra_content") or {}).get("google") or {}
    signature = google.get("thought_signature") or (_NO_SIGNATURE if signed else None)
    if signature:
        part["thoughtSignature"] = signature
    return part


def _response(message: dict[str, Any], names: dict[str, str]) -> Part:
    name = names.get(message["tool_call_id"])
    if name is None:
        raise WrongRequestError("messages", "holds a tool's answer to a call that is not there")
    text = text_of(message.get("content"))
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = text
    return {"functionResponse": {"name": name, "response": value if isinstance(value, dict) else {"result": value}}}


def _part(part: dict[str, Any]) -> Part:
    kind = part.get("type")
    if kind in ("text", "refusal"):
        return {"text": text_of([{**part, "type": "text"}])}
    if kind == "image_url":
        return _media(image_url(part))
    if kind == "file":
        mime, data = file_data(part)
        return {"inlineData": {"mimeType": mime, "data": data}}
    if kind == "input_audio":
        audio = an_object(part.get("input_audio"), "messages")
        return {"inlineData": {"mimeType": f"audio/{audio['format']}", "data": audio["data"]}}
    if not isinstance(kind, str):
        raise WrongRequestError("messages", "holds a part without a type")
    raise UnsupportedError("messages", f"holds a part {kind[:60]!r}, which this model's provider does not know")


def _media(url: str) -> Part:
    found = data_uri(url)
    if found is not None:
        return {"inlineData": {"mimeType": found[0], "data": found[1]}}
    mime, _ = mimetypes.guess_type(url.partition("?")[0])
    if mime is None:
        raise UnsupportedError("messages", "holds an image whose address does not tell its type")
    return {"fileData": {"fileUri": url, "mimeType": mime}}
