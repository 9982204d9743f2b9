"""The doctor and the real LiteLLM as the guides start it: uvicorn, two workers, no directory for their metrics."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import httpx
import pytest
import yaml

from tests.integration.doctor.test_live import WORKERS, found, served
from tests.litellm_sdk import sdk_python
from tests.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.timeout(400), pytest.mark.slow]
KEY = "sk-of-the-doctor-tests"
CONFIG = {
    "model_list": [
        {"model_name": "gpt-4o", "litellm_params": {"model": "openai/gpt-4o", "api_key": "x", "mock_response": "hi"}}
    ],
    "litellm_settings": {"callbacks": ["prometheus"]},
    "general_settings": {"master_key": KEY},
}


def test_two_workers_of_the_real_proxy_are_caught_disagreeing(tmp_path: Path) -> None:
    port, config, token = free_port(), tmp_path / "config.yaml", tmp_path / "token"
    config.write_text(yaml.safe_dump(CONFIG))
    token.write_text(KEY)
    kept = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    environment = kept | {"CONFIG_FILE_PATH": str(config), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    where = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    # Uvicorn kills a worker that has not answered within 5 s, and importing takes longer.
    workers = ["--workers", str(WORKERS), "--timeout-worker-healthcheck", "120"]
    command = [str(sdk_python()), "-m", "uvicorn", "litellm.proxy.proxy_server:app", *where, *workers]
    url = f"http://127.0.0.1:{port}"
    with served(command, f"{url}/health/liveliness", environment, tmp_path / "litellm.log", patience_s=180):
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
        for _ in range(41):
            with httpx.Client(trust_env=False, timeout=120) as fresh:
                answer = fresh.post(f"{url}/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {KEY}"})
                assert answer.status_code == 200, answer.text
        evidence = found("--url", url, "--token-file", token, "--scrapes", 24)["doctor/scrapes-disagree"]
    assert "litellm_" in evidence
