"""The evidence file: what a proof found, as JSON, for whoever asks later."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackctl.proof.hops import Proof


def write_evidence(proof: Proof, directory: Path) -> Path:
    """Write `<time>-<id>.json` in one step, readable by its owner only; raises OSError if that is impossible."""
    directory.mkdir(parents=True, exist_ok=True)
    moment = datetime.fromtimestamp(proof.started, UTC).strftime("%Y%m%dT%H%M%SZ")
    path = directory / f"{moment}-{proof.id}.json"
    proof.evidence_file = str(path)
    handle, name = tempfile.mkstemp(dir=directory, prefix=".evidence-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(proof.as_json(), file, indent=2, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path
