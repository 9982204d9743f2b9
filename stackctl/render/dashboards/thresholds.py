"""Where a panel's colours change: at the thresholds its alerts have in this stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackctl.catalogue.alerts import Alert
    from stackctl.render.dashboards.definition import Thresholds

_COLORS = {"info": "yellow", "warning": "orange", "critical": "red", "none": "yellow"}
_WORST_LAST = ("yellow", "orange", "red")
GOOD = "green"


def steps(thresholds: Thresholds | None, alerts: Mapping[str, Alert]) -> list[dict[str, Any]]:
    """Grafana's threshold steps, lowest first. An alert that is switched off has no step.

    Where small values are bad, the colour below the lowest step is that of the lowest alert and each step leads to
    the colour of the next one up, green above the last.
    """
    marks = sorted(_marks(thresholds, alerts)) if thresholds else []
    if thresholds and thresholds.bad == "below":
        colors = [*_worsening([color for _, color in marks]), GOOD]
    else:
        colors = [GOOD] + [color for _, color in marks]
    values: list[float | None] = [None, *(value for value, _ in marks)]
    return [{"color": color, "value": value} for color, value in zip(colors, values, strict=True)]


def _worsening(colors: list[str]) -> list[str]:
    """The colours from the lowest step up; one that equals the next is made worse, or it would hide a threshold."""
    worst_first: list[str] = []
    for color in reversed(colors):
        above = worst_first[0] if worst_first else None
        worse = _WORST_LAST[min(_WORST_LAST.index(color) + 1, len(_WORST_LAST) - 1)]
        worst_first.insert(0, worse if color == above else color)
    return worst_first


def has_steps(thresholds: Thresholds | None, alerts: Mapping[str, Alert]) -> bool:
    """Whether there is any threshold to draw."""
    return thresholds is not None and bool(_marks(thresholds, alerts))


def _marks(thresholds: Thresholds, alerts: Mapping[str, Alert]) -> list[tuple[float, str]]:
    """(value, colour of the bad side) of each threshold; two with the same value are the worse one."""
    found: dict[float, str] = {}
    for entry in thresholds.at:
        value, color = _mark(entry, alerts)
        if value is not None:
            found[value] = max(found.get(value, color), color, key=_WORST_LAST.index)
    return list(found.items())


def _mark(entry: str | float, alerts: Mapping[str, Alert]) -> tuple[float | None, str]:
    if not isinstance(entry, str):
        return float(entry), "yellow"
    alert = alerts.get(entry)
    return (alert.threshold, _COLORS[alert.severity]) if alert else (None, "yellow")
