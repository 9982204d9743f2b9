"""cosign's argument list and environment for one verification. Everything variable is a value of our own making."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stackctl.images.outcome import Outcome, Stopped

if TYPE_CHECKING:
    from pathlib import Path

    from stackctl.images.cosign.tool import Cosign
    from stackctl.images.verdict import Signer, Subject

_PEM_LINE = 64


@dataclass(frozen=True)
class Call:
    """What to run, and what to add to the bare environment."""

    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


def verify_call(
    cosign: Cosign, subject: Subject, signer: Signer, files: Path, *, legacy: bool = False, timeout_s: float = 60
) -> Call:
    """`cosign verify` of one digest by one signer; `files` is a private directory for what is passed as a file.

    `legacy` makes cosign 3 look at tag-stored signatures only. Raises Stopped(UNKNOWN) for an unusable trusted root.
    """
    argv = [cosign.path, "verify", "--output=json", f"--timeout={timeout_s:g}s"]
    environment: dict[str, str] = {}
    if signer.key is not None:
        argv.append(f"--key={_write(files / 'cosign.pub', signer.key)}")
    else:
        argv.append(f"--certificate-identity={signer.trust.identity}")
        argv.append(f"--certificate-oidc-issuer={signer.trust.issuer}")
    if not signer.wants_log:
        argv.append("--insecure-ignore-tlog=true")
    if signer.trusted_root is not None and signer.wants_log:
        if cosign.generation >= 3:
            argv.append(f"--trusted-root={signer.trusted_root}")
        else:
            environment = _trust_variables(signer.trusted_root, files)
        argv.append("--offline=true")  # a log of one's own is not asked for at the public one
    if legacy:
        argv.append("--new-bundle-format=false")
    if subject.place.plain_http and not subject.place.loopback:
        argv.append("--allow-http-registry=true")
    argv.append(subject.reference)
    return Call(tuple(argv), environment)


def _trust_variables(trusted_root: Path, files: Path) -> dict[str, str]:
    """cosign 2 honours --trusted-root only in part; it takes the same keys as separate files by these variables."""
    try:
        root = json.loads(trusted_root.read_text(encoding="utf-8"))
        chains = [authority["certChain"]["certificates"] for authority in root.get("certificateAuthorities", [])]
        certificates = [certificate["rawBytes"] for chain in chains for certificate in chain]
        log_keys = [log["publicKey"]["rawBytes"] for log in root.get("tlogs", [])]
        ct_keys = [log["publicKey"]["rawBytes"] for log in root.get("ctlogs", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Stopped(
            Outcome.UNKNOWN, f"{trusted_root} is not a Sigstore trusted root ({type(error).__name__})"
        ) from None
    found = {
        "SIGSTORE_ROOT_FILE": _pems(files / "fulcio.pem", "CERTIFICATE", certificates),
        "SIGSTORE_REKOR_PUBLIC_KEY": _pems(files / "rekor.pem", "PUBLIC KEY", log_keys),
        "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE": _pems(files / "ctfe.pem", "PUBLIC KEY", ct_keys),
    }
    return {name: value for name, value in found.items() if value}


def _pems(file: Path, label: str, encoded: list[Any]) -> str:
    blocks = []
    for item in encoded:
        text = base64.b64encode(base64.b64decode(str(item))).decode()
        lines = [text[start : start + _PEM_LINE] for start in range(0, len(text), _PEM_LINE)]
        blocks.append("\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]))
    return _write(file, "".join(blocks).encode()) if blocks else ""


def _write(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    return str(file)
