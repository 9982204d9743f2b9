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
    r"invalid signature|failed to verify signature|certificate signed by unknown authority",
    re.IGNORECASE,
)
_LOG = re.compile(r"transparency log|tlog|rekor|inclusion pr|offline verification", re.IGNORECASE)
_MAX_LINE = 300


def outcome_of(done: Finished) -> Outcome:
    """The outcome a non-zero exit stands for."""
    if _UNREACHABLE.search(done.err) and BUNDLE_REFUSED not in done.err:
        return Outcome.UNREACHABLE
    errors = "\n".join(line for line in done.err.splitlines() if line.startswith("Error: "))
    if done.code != 10 and _LOG.search(errors):
        return Outcome.UNKNOWN
    if done.code in _CODES:
        return _CODES[done.code]
    if BUNDLE_REFUSED in done.err and _NO_MATCH.search(done.err):
        return Outcome.OTHER_SIGNER
    return Outcome.UNKNOWN


def last_words(done: Finished) -> str:
    """cosign's own reason, in one line without control characters."""
    lines = [line.strip() for line in done.err.splitlines() if line.strip()]
    errors = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    text = (errors or lines or [f"exit code {done.code} without a word"])[-1]
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable if len(printable) <= _MAX_LINE else f"{printable[:_MAX_LINE]}…"
