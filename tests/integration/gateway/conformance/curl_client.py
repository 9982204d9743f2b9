"""curl, as scripts use it: chat completions in raw HTTP."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.integration.gateway.conformance.asking import IMAGE_URL, Failed, Said
from tests.integration.gateway.conformance.openai_clients import MESSAGES, SCHEMA, TOOLS, _said, collected
from tests.real_parts import tool


class Curl:
    """One process per request."""

    def __init__(self, url: str, key: str) -> None:
        self._base = url
        self._key = key

    def close(self) -> None:
        """Nothing is open."""

    def chat(self, model: str, stream: bool) -> Said:
        return self._ask(model, stream, MESSAGES, max_tokens=50, temperature=1.5)[0]

    def image(self, model: str) -> Said:
        parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": IMAGE_URL}}]
        return self._ask(model, False, [{"role": "user", "content": parts}])[0]

    def tools(self, model: str, stream: bool) -> tuple[Said, Said]:
        first, message = self._ask(model, stream, MESSAGES, tools=TOOLS, tool_choice="required")
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": f"{call['function']['name']} ok"}
            for call in message["tool_calls"]
        ]
        return first, self._ask(model, stream, [*MESSAGES, message, *results], tools=TOOLS)[0]

    def json(self, model: str) -> Said:
        return self._ask(model, False, MESSAGES, response_format=SCHEMA)[0]

    def fail(self, model: str, stream: bool) -> Failed:
        status, headers, body = self._run({"model": model, "messages": MESSAGES, "stream": stream})
        error = json.loads(body)["error"]
        assert error["code"] == str(status)
        return Failed(status, error["type"], headers.get("retry-after"), error["message"])

    def broken(self, model: str) -> tuple[str, bool]:
        _, _, body = self._run({"model": model, "messages": MESSAGES, "stream": True})
        events = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: {")]
        text = "".join(c["delta"].get("content") or "" for e in events[:-1] for c in e["choices"])
        return text, "[DONE]" not in body and events[-1].get("error", {}).get("code") == "502"

    def leave(self, model: str) -> str:
        process = subprocess.Popen(
            self._command("-N"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with process:
            process.stdin.write(json.dumps({"model": model, "messages": MESSAGES, "stream": True}).encode())
            process.stdin.close()
            for line in process.stdout:
                chunk = json.loads(line[6:]) if line.startswith(b"data: {") else {"choices": []}
                text = "".join(c["delta"].get("content") or "" for c in chunk["choices"])
                if text:
                    process.kill()
                    return text
        return ""

    def embed(self, model: str, texts: list[str]) -> list[list[float]]:
        status, _, text = self._run({"model": model, "input": texts}, "embeddings")
        assert status == 200, text
        return [item["embedding"] for item in json.loads(text)["data"]]

    def _ask(self, model: str, stream: bool, messages: list[Any], **more: Any) -> tuple[Said, dict[str, Any]]:
        body = {"model": model, "messages": messages, "stream": stream, **more}
        if stream:
            body["stream_options"] = {"include_usage": True}
        status, headers, text = self._run(body)
        assert status == 200, text
        if not stream:
            answer = json.loads(text)
            return _said(answer), answer["choices"][0]["message"]
        assert headers["content-type"].startswith("text/event-stream")
        assert text.endswith("data: [DONE]\n\n")
        return collected(json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {"))

    def _run(self, body: dict[str, Any], path: str = "chat/completions") -> tuple[int, dict[str, str], str]:
        done = subprocess.run(
            self._command("-i", path), input=json.dumps(body).encode(), capture_output=True, timeout=60, check=True
        )
        head, _, text = done.stdout.decode().partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return int(first.split()[1]), headers, text

    def _command(self, option: str, path: str = "chat/completions") -> list[str]:
        headers = ["-H", f"Authorization: Bearer {self._key}", "-H", "Content-Type: application/json", "-H", "Expect:"]
        return [tool("curl"), "-s", option, *headers, "--data-binary", "@-", f"{self._base}/{path}"]
