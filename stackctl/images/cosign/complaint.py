"""What a failed `cosign verify` really said. Its exit codes are ambiguous, so both code and text decide.

The codes 10 to 13 are in cosign's cmd/cosign/errors; only the path of tag-stored signatures uses them. For bundles it
exits 1, as it does for every network or key error. What matches nothing here is "cannot tell".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackctl.images.outcome import Outcome

if TYPE_CHECKING:
    from stackctl.images.cosign.process import Finished

_CODES = {
    10: Outcome.NO_SIGNATURE,
    11: Outcome.MISSING,
    12: Outcome.OTHER_SIGNER,
    13: Outcome.OTHER_SIGNER,
}
_UNREACHABLE = re.compile(
    r"dial tcp|connection refused|connection reset|no such host|i/o timeout|context deadline exceeded|"
    r"TLS handshake|x509: certificate|network is unreachable|server misbehaving|unexpected EOF|\bEOF$|"
    r"tuf refresh failed|updating to TUF|getting trusted root from TUF|"
    r"UNAUTHORIZED|DENIED|TOOMANYREQUESTS|unexpected status code [45]\d\d|server returned HTTP [45]\d\d",
    re.MULTILINE,
)
BUNDLE_REFUSED = "no matching attestations"
_NO_MATCH = re.compile(
    r"accepted signatures do not match threshold|no matching CertificateIdentity|expected key signature, not certificate|"
    r"none of the expected identities matched|failed to verify certificate identity|"
    r"expected certificate|no certificate|could not verify envelope|invalid signature when validating|"
    r"invalid signature|failed to verify signature|certificate signed by unknown authority|"
    r"nil certificate provided|empty key|comparing public key PEMs|public key and certificate were provided but|"
    r"no public key material available|transparency log certificate does not match",
    re.IGNORECASE,
)
_LOG = re.compile(
    r"transparency log|tlog|rekor|log inclusion|offline verification|signature in bundle does not match", re.IGNORECASE
)
_QUOTED = re.compile(r'"[^"]*"|\[[^\]]*\]')
"""Identities and addresses, some of them an attacker's choice: they decide nothing."""
_MAX_LINE = 300


def outcome_of(done: Finished) -> Outcome:
    """The outcome a non-zero exit stands for."""
    said = _QUOTED.sub("", done.err)
    if _UNREACHABLE.search(said) and BUNDLE_REFUSED not in said:
        return Outcome.UNREACHABLE
    _, _, errors = said.partition("Error: ")
    if done.code in (1, 12) and ("no matching" in errors):
        if _NO_MATCH.search(errors):
            return Outcome.OTHER_SIGNER
        if _LOG.search(errors):
            return Outcome.UNKNOWN
    return _CODES.get(done.code, Outcome.UNKNOWN)


def last_words(done: Finished) -> str:
    """cosign's own reason, in one line without control characters."""
    lines = [line.strip() for line in done.err.splitlines() if line.strip()]
    errors = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    text = (errors or lines or [f"exit code {done.code} without a word"])[-1]
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable if len(printable) <= _MAX_LINE else f"{printable[:_MAX_LINE]}…"
