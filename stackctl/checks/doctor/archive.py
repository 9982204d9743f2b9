"""The support archive: what somebody else needs to see, and no secret."""

from __future__ import annotations

import io
import json
import platform
import tarfile
import time
from typing import TYPE_CHECKING, Any

from stackctl import __version__
from stackctl.checks.doctor.redact import redact
from stackctl.checks.doctor.secret_values import secret_values
from stackctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

_YAML = (".yaml", ".yml")


def write_archive(
    target: Path, texts: Mapping[str, str], facts: Mapping[str, Any], secrets: Collection[str]
) -> list[str]:
    """Write a .tar.gz of `texts` (name → content) and facts.json, all redacted; the names in it.

    A secret that stands in one of the YAML files is taken out of all of them, of logs and findings too.
    Raises UsageError if it cannot be written.
    """
    about = {"stackctl": __version__, "python": platform.python_version(), "system": platform.platform()}
    everything = dict(texts) | {"facts.json": json.dumps(about | dict(facts), indent=2, default=str) + "\n"}
    known = {
        *secrets,
        *(value for name, text in texts.items() if name.endswith(_YAML) for value in secret_values(text)),
    }
    try:
        with tarfile.open(target, "w:gz") as archive:
            for name, text in sorted(everything.items()):
                content = redact(text, known).encode()
                entry = tarfile.TarInfo(f"stackctl-support/{name.lstrip('/')}")
                entry.size, entry.mode, entry.mtime = len(content), 0o600, int(time.time())
                archive.addfile(entry, io.BytesIO(content))
        target.chmod(0o600)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {(error.strerror or str(error)).lower()}") from error
    return sorted(everything)
