"""From a registry entry to a stimulus and to what its key must be allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.proof.canary import KeySettings
from stackctl.proof.drivers.budget import BudgetStimulus, Purse
from stackctl.proof.drivers.load import HEADROOM_RPM, ErrorsStimulus, HeadroomStimulus, LatencyStimulus

if TYPE_CHECKING:
    from stackctl.proof.drivers.base import Stimulus
    from stackctl.proof.drivers.registry import DriverEntry


def make_stimulus(entry: DriverEntry, purse: Purse) -> Stimulus:
    """The stimulus of one alert; raises ValueError for `inject`, which needs no traffic."""
    match entry.driver:
        case "budget":
            return BudgetStimulus(purse, entry.threshold)
        case "errors":
            return ErrorsStimulus()
        case "latency":
            return LatencyStimulus(entry.threshold)
        case "headroom":
            return HeadroomStimulus(entry.threshold)
        case "inject":
            raise ValueError("an injected alert has no traffic")


def key_settings(entry: DriverEntry, budget_usd: float) -> KeySettings:
    """Only what the test is about is limited: a budget would stop a latency test half-way."""
    if entry.driver == "budget":
        return KeySettings(max_budget=budget_usd)
    if entry.driver == "headroom":
        return KeySettings(rpm_limit=HEADROOM_RPM)
    return KeySettings()
