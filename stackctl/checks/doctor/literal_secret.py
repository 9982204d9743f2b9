"""A secret written into a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackctl.checks.check import Check
from stackctl.checks.doctor.finding import found
from stackctl.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.deployment import Deployment
    from stackctl.checks.doctor.finding import Finding
    from stackctl.source import Node

CHECK = Check(
    "doctor/literal-secret",
    Severity.ERROR,
    "The file is in a repository, a ticket or a back-up sooner or later, and the secret with it.",
    "refer to it: os.environ/NAME in LiteLLM's configuration, ${NAME} or secrets: in Compose, *_file in Alertmanager",
)
_SECRET = re.compile(
    r"sk-[A-Za-z0-9_-]{16,}|https://hooks\.slack\.com/(?:services|workflows)/\S+|AKIA[0-9A-Z]{16}|xox[abp]-[A-Za-z0-9-]{10,}"
    r"|gh[pousr]_[A-Za-z0-9]{30,}|AIza[0-9A-Za-z_-]{30,}"
)
_EXAMPLES = frozenset({"sk-1234"})


def examine(deployment: Deployment) -> Iterator[Finding]:
    """Provider keys, webhook addresses and tokens in the files themselves."""
    for node in (deployment.compose, deployment.config, deployment.prometheus, deployment.alertmanager):
        for text in _scalars(node):
            match = _SECRET.search(text.text)
            if match and match.group().lower() not in _EXAMPLES:
                shown = f"{match.group()[:8]}… ({len(match.group())} characters)"
                yield found(CHECK, "a secret stands in the file itself", text.position, evidence=shown)


def _scalars(node: Node) -> Iterator[Node]:
    if isinstance(node.data, dict):
        for _name, value in node.items():  # noqa: PERF102 a Node is not a dict
            yield from _scalars(value)
    elif isinstance(node.data, list):
        for item in node:
            yield from _scalars(item)
    elif node.text:
        yield node
