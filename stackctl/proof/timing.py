"""How long each hop may take, read from the running parts rather than from the spec that was meant for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackctl.proof.hops import GRACE_S
from stackctl.proof.observe.prometheus import TEST_LABEL

if TYPE_CHECKING:
    from stackctl.proof.observe.prometheus import Rule
    from stackctl.proof.routes import Taken

_DEFAULT_INTERVAL_S = 60.0


@dataclass(frozen=True)
class Timing:
    """Seconds. `window_s` is how far back the rule's expression looks: it goes on seeing what has ended."""

    scrape_s: float
    evaluation_s: float
    for_s: float
    keep_firing_s: float
    group_wait_s: float
    group_interval_s: float
    window_s: float = 0.0

    @property
    def bound_s(self) -> float:
        """From crossing to delivery: scrape + evaluation + for + group_wait + 5 s.

        A rule over a window needs two samples before it sees an increase at all, so two more scrapes.
        """
        return self.scrape_s + self._warm_up_s + self.evaluation_s + self.for_s + self.group_wait_s + GRACE_S

    @property
    def injected_bound_s(self) -> float:
        """From the post to Alertmanager to the delivery: group_wait + 5 s."""
        return self.group_wait_s + GRACE_S

    @property
    def _warm_up_s(self) -> float:
        return 2 * self.scrape_s if self.window_s else 0.0

    def limit(self, hop: str, margin_s: float) -> float:
        """How long to wait for one hop before it counts as failed.

        Two evaluations are allowed where one should do: a recording rule may stand between a sample and its alert.
        """
        limits = {
            "exposed": 5.0,
            "scraped": self.scrape_s,
            "pending": 2 * self.evaluation_s + self._warm_up_s,
            "firing": 2 * self.evaluation_s + self._warm_up_s + self.for_s,
            "received": 5.0,
            "delivered": self.group_wait_s + self.group_interval_s,
            "inactive": self.scrape_s + 2 * self.evaluation_s + self.keep_firing_s + self.window_s,
            "resolved": 2 * self.group_interval_s,
        }
        return limits.get(hop, 0.0) + margin_s


def read_timing(rule: Rule | None, scrape_s: float | None, taken: Taken | None, window_s: float) -> Timing:
    """The timing of one alert, from its rule, the gateway's scrape interval and the route that takes its labels.

    What is not there gets the default of the part that would decide it.
    """
    scrape_s = scrape_s or _DEFAULT_INTERVAL_S
    return Timing(
        scrape_s=scrape_s,
        evaluation_s=rule.interval_s if rule else scrape_s,
        for_s=rule.for_s if rule else 0.0,
        keep_firing_s=rule.keep_firing_s if rule else 0.0,
        group_wait_s=taken.group_wait_s if taken else 30.0,
        group_interval_s=taken.group_interval_s if taken else 300.0,
        window_s=window_s,
    )


def labels_of_test(rule: Rule | None, name: str, label: str, canary: str) -> dict[str, str]:
    """The labels that decide the route of a test alert."""
    own = {label: value for label, value in (rule.labels if rule else {}).items() if "{{" not in value}
    return own | {"alertname": name, "key": canary, "team": canary, TEST_LABEL: label}
