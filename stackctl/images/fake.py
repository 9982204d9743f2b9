"""A cosign that verifies nothing: it records how it was called and answers what it was told to.

For tests of whatever wraps cosign, ours or yours::

    fake = FakeCosign.install(directory, answers=[Answer(code=12, stderr="Error: no matching signatures: …")])
    os.environ["STACKCTL_COSIGN"] = str(fake.executable)
    …
    fake.calls()[0].argv, fake.calls()[0].environment, fake.calls()[0].files

Without answers it vouches for the digest it is asked about, as cosign 2 does for a signature by key. Each call of
`verify` takes the next answer; the last one stays. In stdout `{digest}` and `{name}` stand for the image asked about.
The file runs by itself and needs the standard library only, because a wrapper may give it a bare environment.
"""

from __future__ import annotations

import json
import os
import shlex
import stat
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

_PATIENCE_S = 20
_YES = (
    '\n[{"critical":{"identity":{"docker-reference":"{name}"},"image":{"docker-manifest-digest":"{digest}"},'
    '"type":"cosign container image signature"},"optional":null}]\n'
)


@dataclass(frozen=True)
class Answer:
    """What one `cosign verify` does."""

    code: int = 0
    stdout: str = _YES
    stderr: str = ""
    sleep_s: float = 0
    wait_for_calls: int = 0
    """Answer only when this many calls of `verify` have begun; gives up with exit code 99 after 20 s."""


@dataclass(frozen=True)
class Call:
    """How cosign was called. `files` holds the content of every flag's value that was a readable file."""

    argv: list[str]
    environment: dict[str, str]
    stdin_is_empty: bool
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FakeCosign:
    """An installed fake."""

    directory: Path

    @property
    def executable(self) -> Path:
        return self.directory / "cosign"

    @classmethod
    def install(cls, directory: Path, answers: list[Answer] | None = None, version: str = "v3.1.3") -> FakeCosign:
        """Write the executable `cosign` and its script into `directory`."""
        directory.mkdir(parents=True, exist_ok=True)
        script = {"version": version, "answers": [asdict(answer) for answer in answers or [Answer()]]}
        (directory / "script.json").write_text(json.dumps(script), encoding="utf-8")
        fake = cls(directory)
        command = shlex.join([sys.executable, "-I", str(Path(__file__).resolve()), str(directory.resolve())])
        fake.executable.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        fake.executable.chmod(stat.S_IRWXU)
        return fake

    def calls(self, command: str = "verify") -> list[Call]:
        """The calls of one command so far, in order."""
        log = self.directory / "calls.jsonl"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        calls = [Call(**json.loads(line)) for line in lines]
        return [call for call in calls if call.argv[:1] == [command]]


def _main(directory: Path, argv: list[str]) -> int:
    script = json.loads((directory / "script.json").read_text(encoding="utf-8"))
    earlier = len([call for call in FakeCosign(directory).calls() if "--help" not in call.argv])
    _record(directory, argv)
    if argv[:1] == ["version"]:
        sys.stdout.write(json.dumps({"gitVersion": script["version"]}))
        return 0
    if "--help" in argv:
        sys.stdout.write("    --new-bundle-format=false:\n" if script["version"].startswith("devel-2") else "")
        return 0
    answer = Answer(**script["answers"][min(earlier, len(script["answers"]) - 1)])
    time.sleep(answer.sleep_s)
    if not _begun(directory, answer.wait_for_calls):
        return 99
    name, _, digest = argv[-1].partition("@")
    sys.stdout.write(answer.stdout.replace("{digest}", digest).replace("{name}", name))
    sys.stderr.write(answer.stderr)
    return answer.code


def _begun(directory: Path, calls: int) -> bool:
    deadline = time.monotonic() + _PATIENCE_S
    while len(FakeCosign(directory).calls()) < calls and time.monotonic() < deadline:
        time.sleep(0.02)
    return len(FakeCosign(directory).calls()) >= calls


def _record(directory: Path, argv: list[str]) -> None:
    files = {}
    for value in [word.partition("=")[2] for word in argv] + [
        value for name, value in os.environ.items() if name.startswith("SIGSTORE_")
    ]:
        if value.startswith("/") and Path(value).is_file():
            files[value] = Path(value).read_text(encoding="utf-8", errors="replace")
    call = Call(argv, dict(os.environ), sys.stdin.read() == "", files)
    with (directory / "calls.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(asdict(call)) + "\n")


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), sys.argv[2:]))
