"""The `alerts.receivers` section: everything Alertmanager can tell people natively."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stackctl.spec.contradictions import fault
from stackctl.spec.secret import FileRef
from stackctl.spec.section import Port, Section

SECRET_FIELDS = ("webhook", "url_file", "token", "password", "routing_key")


class Receiver(Section):
    """What every receiver may be asked."""

    severities: list[Literal["info", "warning", "critical"]] = Field(
        ["info", "warning", "critical"],
        min_length=1,
        description="Which alerts it gets. What no receiver asked for goes to the stack's own inbox.",
    )


class SlackReceiver(Receiver):
    """Alerts to a Slack channel by an incoming webhook."""

    webhook: FileRef = Field(description="A reference to the file with the webhook URL; Alertmanager reads it.")
    channel: str = Field(pattern=r"^[#@].+", description="Such as '#llm-spend'.")


class WebhookReceiver(Receiver):
    """Alerts as Alertmanager's JSON to any web service, such as an n8n flow."""

    url: str | None = Field(None, pattern=r"^https?://\S+$", description="The address, if it is no secret itself.")
    url_file: FileRef | None = Field(
        None, description="A reference to the file with the address; Alertmanager reads it (0.26 or newer)."
    )
    token: FileRef | None = Field(None, description="A bearer token that goes with every message.")

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise fault("give either url or url_file", "url")
        return self


class EmailReceiver(Receiver):
    """Alerts by e-mail."""

    to: list[str] = Field(min_length=1)
    from_: str = Field(alias="from")
    smarthost: str = Field(pattern=r"^[^\s:]+:[0-9]+$", description="host:port of the mail server.")
    username: str | None = None
    password: FileRef | None = Field(None, description="A reference to the file with the mail server's password.")
    require_tls: bool = True

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise fault("username and password go together", "username")
        return self


class PagerDutyReceiver(Receiver):
    """Alerts to a PagerDuty service by the Events API v2."""

    routing_key: FileRef = Field(description="A reference to the file with the integration key.")


class TeamsReceiver(Receiver):
    """Alerts to a Microsoft Teams channel by a Power Automate workflow; needs Alertmanager 0.28 or newer."""

    webhook: FileRef = Field(description="A reference to the file with the workflow's URL.")


class Receivers(Section):
    """Where alerts go. With none, they go to the stack's own inbox."""

    slack: SlackReceiver | None = None
    webhook: WebhookReceiver | None = None
    email: EmailReceiver | None = None
    pagerduty: PagerDutyReceiver | None = None
    teams: TeamsReceiver | None = None

    def secrets(self) -> list[str]:
        """The references to every file that Alertmanager itself reads."""
        values = [getattr(r, field, None) for r in self.configured().values() for field in SECRET_FIELDS]
        return [value for value in values if value is not None]

    def configured(self) -> dict[str, Receiver]:
        """The receivers there are, by kind."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: receiver for name, receiver in found.items() if receiver is not None}


class Inbox(Section):
    """The embedded receiver: it takes Slack-shaped messages, keeps and shows them."""

    port: Port = 9095
