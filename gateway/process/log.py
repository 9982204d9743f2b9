"""Structured logs on stderr: one JSON object per line, never content, never keys."""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback

import orjson


class JsonLines(logging.Formatter):
    """`time`, `level`, `process`, `pid`, `message`, and `traceback` where there is one."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "process": self._process,
            "pid": os.getpid(),
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            # Frames and the exception's type only: its text may hold what a client sent.
            frames = traceback.extract_tb(record.exc_info[2])
            entry["error"] = record.exc_info[0].__name__
            entry["traceback"] = [f"{f.filename}:{f.lineno} {f.name}" for f in frames]
        return orjson.dumps(entry).decode()


def set_up(process: str) -> None:
    """Log to stderr as `process`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("uvicorn.error", "uvicorn.access", "asyncio", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
