"""spec → alertmanager.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.render.places import internal_address, secret_path
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
        slack_url_file=secret_path(spec, slack.webhook, "..") if slack else None,
        inbox_url=f"http://{internal_address(spec, 'inbox')}",
    )
