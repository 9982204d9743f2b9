"""Check `native/*`: what Prometheus' and Alertmanager's own tools say of the rendered files."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from stackctl.problem import Position, Problem

if TYPE_CHECKING:
    from stackctl.checks.report import Report
    from stackctl.render import Bundle
    from stackctl.runtime.tools import Tool

_TIMEOUT_S = 60


def check_native(bundle: Bundle, promtool: Tool | None, amtool: Tool | None, report: Report) -> None:
    """Let the tools judge the files a bundle would write; a tool that is missing is reported, never passed over."""
    with tempfile.TemporaryDirectory(prefix="stackctl-check-") as name:
        directory = Path(name)
        for path, content in bundle.files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_bytes(content)
        _run(directory, "prometheus/prometheus.yml", promtool, ["check", "config", "--syntax-only"], report)
        for rules in sorted((directory / "prometheus/rules").glob("*.yml")):
            _run(directory, f"prometheus/rules/{rules.name}", promtool, ["check", "rules"], report)
        _run(directory, "alertmanager/alertmanager.yml", amtool, ["check-config"], report)


def _run(directory: Path, file: str, tool: Tool | None, arguments: list[str], report: Report) -> None:
    if tool is None:
        report.skip(file, "promtool and amtool come with Prometheus and Alertmanager")
        return
    done = subprocess.run(
        [str(tool.path), *arguments, file],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    problems = (
        []
        if done.returncode == 0
        else [Problem("native/rejected", _reason(done.stdout + done.stderr), position=Position(f"bundle/{file}"))]
    )
    report.add(file, f"{tool.name} {tool.version}", problems)


def _reason(output: str) -> str:
    lines = [
        line.strip() for line in output.splitlines() if re.search(r"error|FAILED|invalid|unknown", line, re.IGNORECASE)
    ]
    return (lines or output.split("\n"))[-1]
