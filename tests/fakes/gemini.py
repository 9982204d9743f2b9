"""Google's Gemini API as documented at https://ai.google.dev/api/generate-content (v1beta)."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.brain import ARGUMENTS, CACHED, COMPLETION, PROMPT, REASONING, Question, Reply, reply, size_of
from tests.fakes.server import KEY, Call, Fake, RefusedError, Writer

_PATH = re.compile(r"/v1beta/models/([^/:]+):(generateContent|streamGenerateContent|batchEmbedContents)")
_FIELDS = frozenset(
    {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings", "cachedContent"}
)
_STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED"}
SIGNATURE = "dGhvdWdodA=="


class FakeGemini(Fake):
    """`generateContent`, `streamGenerateContent?alt=sse` and `batchEmbedContents`."""

    path_prefix = "/v1beta"

    def check(self, call: Call) -> None:
        if call.headers.get("x-goog-api-key") != KEY or "key=" in call.query:
            raise RefusedError(401, "API key not valid. Please pass a valid API key.")
        match = _PATH.fullmatch(call.path)
        if match is None:
            raise RefusedError(404, "Requested entity was not found.")
        if match[2] == "batchEmbedContents":
            return
        for field in call.body:
            if field not in _FIELDS:
                raise RefusedError(400, f'Invalid JSON payload received. Unknown name "{field}": Cannot find field.')
        if match[2] == "streamGenerateContent" and call.query != "alt=sse":
            raise RefusedError(400, "the stand-in streams only as alt=sse")
        called: set[str] = set()
        for content in call.body["contents"]:
            if content["role"] not in ("user", "model"):
                raise RefusedError(400, "Please use a valid role: user, model.")
            for part in content["parts"]:
                _check_part(part, called, self.model(call))

    def model(self, call: Call) -> str:
        match = _PATH.fullmatch(call.path)
        assert match is not None
        return match[1]

    def streams(self, call: Call) -> bool:
        return ":stream" in call.path

    def answer(self, writer: Writer, call: Call) -> None:
        if "batchEmbed" in call.path:
            requests = call.body["requests"]
            writer.json(200, {"embeddings": [{"values": [float(n), 0.5, -1.0]} for n in range(len(requests))]})
            return
        said = reply("gemini", _question(call.body))
        if not self.streams(call):
            writer.json(200, _answer(_parts(said), "STOP", True))
            return
        parts = _parts(said, pieces=True)
        events = [_answer([part], None, False) for part in parts[:-1]]
        events.append(_answer(parts[-1:], "STOP", True))
        writer.stream(events, cut=self.model(call) == "cut")

    def error(self, status: int, message: str) -> Any:
        error: dict[str, Any] = {"code": status, "message": message, "status": _STATUSES.get(status, "INTERNAL")}
        if status == 429:
            detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "6.2s"}
            error["details"] = [detail]
        return {"error": error}

    def opening(self, call: Call) -> list[Any]:
        return [self.piece(call, "on ")]

    def piece(self, call: Call, text: str) -> Any:
        return _answer([{"text": text}], None, False)


def _answer(parts: list[Any], finish: str | None, counted: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    usage: dict[str, Any] = {"promptTokenCount": PROMPT, "totalTokenCount": PROMPT}
    if counted:
        usage |= {
            "candidatesTokenCount": COMPLETION - REASONING,
            "thoughtsTokenCount": REASONING,
            "cachedContentTokenCount": CACHED,
            "totalTokenCount": PROMPT + COMPLETION,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": PROMPT}],
        }
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-fake", "responseId": "r1"}


def _parts(said: Reply, pieces: bool = False) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"text": said.thought, "thought": True}] if said.thought else []
    if said.pieces:
        parts += [{"text": piece} for piece in (said.pieces if pieces else (said.text,))]
    for name in said.calls:
        parts.append({"functionCall": {"name": name, "args": ARGUMENTS}, "thoughtSignature": SIGNATURE})
    return parts


def _check_part(part: dict[str, Any], called: set[str], model: str) -> None:
    kinds = [k for k in part if k not in ("thoughtSignature", "thought")]
    if len(kinds) != 1 or kinds[0] not in ("text", "inlineData", "fileData", "functionCall", "functionResponse"):
        raise RefusedError(400, f"contents.parts: must have one initialized field, not {kinds}")
    if "functionCall" in part:
        called.add(part["functionCall"]["name"])
        signed = part.get("thoughtSignature") in (SIGNATURE, "skip_thought_signature_validator")
        if model.startswith("gemini-3") and not signed:
            raise RefusedError(400, "Function call is missing a thought_signature in functionCall parts.")
    if "functionResponse" in part:
        answer = part["functionResponse"]
        if answer["name"] not in called or not isinstance(answer["response"], dict):
            raise RefusedError(400, "functionResponse does not answer a functionCall")
    if "inlineData" in part:
        size_of(part["inlineData"]["data"])


def _question(body: dict[str, Any]) -> Question:
    parts = body["contents"][-1]["parts"]
    results = [p["functionResponse"]["response"] for p in parts if "functionResponse" in p]
    images = [p["inlineData"]["data"] for p in parts if "inlineData" in p]
    settings = body.get("generationConfig") or {}
    declared = [d["name"] for tool in body.get("tools") or () for d in tool["functionDeclarations"]]
    mode = (body.get("toolConfig") or {}).get("functionCallingConfig", {}).get("mode")
    return Question(
        functions=() if mode == "NONE" else tuple(declared),
        result=" ".join(str(r.get("result", r)) for r in results) if results else None,
        image=size_of(images[0]) if images else None,
        json=settings.get("responseMimeType") == "application/json",
        thinks=settings.get("thinkingConfig", {}).get("thinkingBudget", 0) > 0,
    )
