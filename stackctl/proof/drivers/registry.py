"""The registry of drivers, read from its data file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from stackctl.spec.quantity import Duration
from stackctl.yaml_data import load_yaml

DriverName = Literal["budget", "errors", "latency", "headroom", "inject"]


class DriverEntry(BaseModel):
    """How one alert is provoked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    driver: DriverName
    threshold: float = 0.0
    window: Duration = Duration("0s")
    reason: str = ""


_UNKNOWN = DriverEntry(driver="inject", reason="no driver is registered for it")


@cache
def registry() -> Mapping[str, DriverEntry]:
    """Every registered alert by name."""
    data = load_yaml(Path(__file__).with_name("registry.yaml").read_text(encoding="utf-8"))
    return TypeAdapter(dict[str, DriverEntry]).validate_python(data)


def entry_for(alert: str, thresholds: Mapping[str, float]) -> DriverEntry:
    """The entry of one alert, with the spec's own threshold where it has one."""
    entry = registry().get(alert, _UNKNOWN)
    return entry.model_copy(update={"threshold": thresholds[alert]}) if alert in thresholds else entry
