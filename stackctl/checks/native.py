"""Check `native/*`: what Prometheus' and Alertmanager's own tools say of the rendered files."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from stackctl.problem import Position, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackctl.checks.report import Report
    from stackctl.render import Bundle
    from stackctl.runtime.tools import Tool

_TIMEOUT_S = 60
_FRAME = ("Checking ", "SUCCESS", "FAILED:", "amtool: error: failed to validate")
_PLACE = re.compile(r"\bline (?P<line>\d+)|: (?P<row>\d+):(?P<column>\d+): ")
_FILE = re.compile(r"^\S+\.ya?ml: ")


def check_native(bundle: Bundle, promtool: Tool | None, amtool: Tool | None, report: Report) -> None:
    """Let the tools judge the files a bundle would write; a tool that is missing is reported, never passed over."""
    with tempfile.TemporaryDirectory(prefix="stackctl-check-") as name:
        directory = Path(name)
        for path, content in bundle.files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_bytes(content)
        for path in sorted(bundle.files, key=_order):
            _judge(directory, path, promtool, amtool, report)


def check_native_on_disk(
    directory: Path, paths: Iterable[str], promtool: Tool | None, amtool: Tool | None, report: Report
) -> None:
    """Let the tools judge files as they lie in the bundle directory: what somebody edited there may be broken."""
    for path in paths:
        _judge(directory, path, promtool, amtool, report, name=str(directory / path))


def _order(path: str) -> tuple[bool, str]:
    return path.startswith("alertmanager/"), path


def _judge(
    directory: Path, path: str, promtool: Tool | None, amtool: Tool | None, report: Report, name: str = ""
) -> None:
    """`path` is below `directory`; `name` is what the report calls it. Files that no tool reads are passed over."""
    if path == "prometheus/prometheus.yml":
        tool, arguments = promtool, ["check", "config", "--syntax-only"]
    elif path.startswith("prometheus/rules/"):
        tool, arguments = promtool, ["check", "rules"]
    elif path == "alertmanager/alertmanager.yml":
        tool, arguments = amtool, ["check-config"]
    else:
        return
    if tool is None:
        report.skip(name or path, "promtool and amtool come with Prometheus and Alertmanager")
        return
    done = subprocess.run(
        [str(tool.path), *arguments, path],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    remedy = "mend the line it names" if name else ""
    problems = [] if done.returncode == 0 else [_rejected(name or f"bundle/{path}", done.stdout + done.stderr, remedy)]
    report.add(name or path, f"{tool.name} {tool.version}", problems)


def _rejected(file: str, output: str, remedy: str) -> Problem:
    lines = [line.strip() for line in output.splitlines()]
    told = [line for line in lines if line and not line.startswith(_FRAME) and not line.endswith(_FRAME)]
    # The first complaint, and of a YAML error the line below its heading.
    reason = next((line for line in told if not line.endswith("unmarshal errors:")), output.strip())
    found = _PLACE.search(reason)
    line = int(found["line"] or found["row"]) if found else 0
    column = int(found["column"] or 0) if found else 0
    said = _FILE.sub("", reason)
    return Problem("native/rejected", said, position=Position(file, line, column), remedy=remedy)
