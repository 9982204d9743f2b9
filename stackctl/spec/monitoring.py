"""The spec's `prometheus`, `alertmanager`, `alerts` and `grafana`: what watches the gateway."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from stackctl.spec.contradictions import fault
from stackctl.spec.quantity import Duration, Size
from stackctl.spec.receivers import Inbox, Receivers
from stackctl.spec.secret import SecretRef
from stackctl.spec.section import Port, Section, empty_dict

_SCRAPE_FLOOR = Duration("15s")
_ASKED_OF_ALL = (
    "Demanded from everybody (user `admin`), and required where the host is not loopback; runtime compose only."
)


def _check_floor(value: Duration) -> Duration:
    if value.milliseconds < _SCRAPE_FLOOR.milliseconds:
        raise ValueError(f"{value} is below the floor of 15s: faster scraping under load costs samples and disk")
    return value


ScrapeInterval = Annotated[Duration, AfterValidator(_check_floor)]


class Prometheus(Section):
    """Prometheus: scraping, rules, storage."""

    host: str = "127.0.0.1"
    port: Port = 9090
    password: SecretRef | None = Field(None, description=_ASKED_OF_ALL)
    scrape_interval: ScrapeInterval = Field(
        Duration("15s"),
        description="How often metrics are read; 15 s is the floor. Faster scraping under load has been reported to "
        "cost database connections and samples, fills the disk, and makes no alert better.",
    )
    scrape_timeout: Duration = Field(Duration("10s"), description="At most the scrape interval.")
    evaluation_interval: Duration | None = Field(
        None, description="How often rules run; the scrape interval by default."
    )
    retention: Duration = Field(
        Duration("7d"),
        description="How long samples are kept. Seven days bound the disk; the ledger keeps the money.",
    )
    retention_size: Size = Field("2GB", description="A second bound on the disk: the oldest samples go first.")

    @model_validator(mode="after")
    def _intervals(self) -> Self:
        if self.scrape_timeout.milliseconds > self.scrape_interval.milliseconds:
            raise fault(
                f"{self.scrape_timeout} is longer than scrape_interval {self.scrape_interval}", "scrape_timeout"
            )
        return self

    @property
    def evaluation(self) -> Duration:
        return self.evaluation_interval or self.scrape_interval


class Alertmanager(Section):
    """Alertmanager: grouping, routing, delivery."""

    host: str = "127.0.0.1"
    port: Port = 9093
    version: str = Field(
        "0.25",
        pattern=r"^[0-9]+\.[0-9]+(\.[0-9]+)?$",
        description="The oldest Alertmanager that must understand the configuration. 0.25 is Debian 12's; Teams needs "
        "0.28, a webhook's url_file 0.26.",
    )
    password: SecretRef | None = Field(None, description=_ASKED_OF_ALL)
    group_wait: Duration = Field(Duration("30s"), description="How long to wait for alerts that belong together.")
    group_interval: Duration = Duration("5m")
    repeat_interval: Duration = Duration("12h")


class RuleOverride(Section):
    """What may be changed about one alert."""

    enabled: bool = True
    threshold: float | None = Field(None, description="In the unit of the alert's own threshold.")
    floor: float | None = Field(
        None, ge=0, description="The least volume the alert speaks about, in the unit of the alert's own floor."
    )
    for_: Duration | None = Field(None, alias="for", description="How long the condition must hold.")
    severity: Literal["info", "warning", "critical"] | None = None
    labels: dict[str, str] = Field(default_factory=empty_dict)


class Alerts(Section):
    """Alert rules and receivers."""

    receivers: Receivers = Receivers.defaults()
    inbox: Inbox = Inbox.defaults()
    rules: dict[str, RuleOverride] = Field(default_factory=empty_dict, description="Changes per alert name.")
    runbooks: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        description="Where runbooks are: `{alert}` stands for the alert's name, else it is appended. The stack's own "
        "inbox serves them by default.",
    )
    dashboards: str | None = Field(
        None, pattern=r"^https?://\S+$", description="Grafana's address as people reach it, for links in messages."
    )


class Grafana(Section):
    """Grafana with the stack's dashboards; runtime compose only. Its admin password is generated, never `admin`."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Port = 3000
