"""Run by the Python that has the LiteLLM SDK: cases as JSON on stdin, what the SDK made of them as JSON on stdout.

It knows nothing of the tests: it is the client a user of that library has.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
# With its default it would wait for Retry-After and ask again.
os.environ["DEFAULT_MAX_RETRIES"] = "0"

import litellm  # type: ignore[import-not-found,unused-ignore]

litellm.suppress_debug_info = True


def ask(case: dict[str, Any], url: str, key: str) -> dict[str, Any]:
    """One case: `messages`, `stream`, and further arguments; `leave` ends a stream after its first text."""
    shared = {"model": f"openai/{case['model']}", "api_base": f"{url}/v1", "api_key": key, "max_retries": 0}
    try:
        if "input" in case:
            answer = litellm.embedding(input=case["input"], **shared)
            return {"vectors": [item["embedding"] for item in answer.data]}
        more = case.get("more", {})
        answer = litellm.completion(messages=case["messages"], stream=case["stream"], **shared, **more)
        if not case["stream"]:
            return dict(answer.model_dump())
        return _collected(answer, case.get("leave", False))
    except Exception as error:
        headers = getattr(error, "litellm_response_headers", None) or {}
        return {
            "status": getattr(error, "status_code", None),
            "message": str(error),
            "retry_after": headers.get("retry-after"),
            "text": getattr(error, "text_before", ""),
        }


def _collected(chunks: Any, leave: bool) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    text = ""
    try:
        for chunk in chunks:
            found.append(chunk.model_dump())
            text += chunk.choices[0].delta.content or "" if chunk.choices else ""
            if leave and text:
                # Left to the garbage collector, it may be closed while its pool is locked, and httpcore waits for itself.
                chunks.completion_stream.close()
                return {"left_after": text}
    except Exception as error:
        error.text_before = text  # type: ignore[attr-defined]
        raise
    return {"chunks": found, "text": text}


def main() -> None:
    order = json.load(sys.stdin)
    json.dump([ask(case, order["url"], order["key"]) for case in order["cases"]], sys.stdout)


if __name__ == "__main__":
    main()
