"""spec → alertmanager.yml."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from stackctl.render.prometheus import address
from stackctl.render.templates import fill

if TYPE_CHECKING:
    from stackctl.spec import Spec


def alertmanager_yml(spec: Spec) -> str:
    """Routes and receivers; with no receiver in the spec, alerts go to the stack's own inbox."""
    slack = spec.alerts.receivers.slack
    return fill(
        "alertmanager/alertmanager.yml.j2",
        spec=spec,
        receiver="slack" if slack else "inbox",
        slack_url_file=_from_working_directory(slack.webhook) if slack else None,
        inbox_url=f"http://{address('127.0.0.1', spec.alerts.inbox.port)}",
    )


def _from_working_directory(reference: str) -> str:
    """Alertmanager opens `api_url_file` relative to its working directory, which is the bundle."""
    path = PurePosixPath(reference.removeprefix("file:"))
    return str(path if path.is_absolute() else PurePosixPath("..") / path)
