"""Where an alert's message leads: its runbook and its dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackctl.spec import Spec

PLACEHOLDER = "{alert}"
_VARIABLES = {"model": "model", "from_model": "model", "team": "team", "key": "key", "provider": "provider"}
"""Alert label → dashboard variable."""


@dataclass(frozen=True)
class Links:
    """Base addresses; `{alert}` in the runbooks' one stands for the alert's name."""

    runbooks: str
    dashboards: str

    def runbook(self, alert: str) -> str:
        """The page of one alert."""
        if PLACEHOLDER in self.runbooks:
            return self.runbooks.replace(PLACEHOLDER, alert)
        return f"{self.runbooks.rstrip('/')}/{alert}"

    def dashboard(self, uid: str, labels: tuple[str, ...]) -> str:
        """A dashboard with its variables set to the alert's labels (Prometheus fills the `{{ }}`)."""
        fields = [
            f"{{{{ with $labels.{label} }}}}&var-{_VARIABLES[label]}={{{{ . | urlquery }}}}{{{{ end }}}}"
            for label in labels
            if label in _VARIABLES
        ]
        return f"{self.dashboards.rstrip('/')}/d/{uid}?from=now-1h&to=now{''.join(fields)}"


def links_of(spec: Spec) -> Links:
    """The spec's own addresses, or the stack's own inbox and Grafana on this machine."""
    return Links(
        runbooks=spec.alerts.runbooks or f"http://127.0.0.1:{spec.alerts.inbox.port}/runbooks",
        dashboards=spec.alerts.dashboards or "http://127.0.0.1:3000",
    )
