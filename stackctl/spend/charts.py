"""Charts as shapes in percent of their box; the template draws them as SVG."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stackctl.spend.span import Span
    from stackctl.spend.totals import Total

COLOURS = ("#3b6fd4", "#e08a1e", "#2f9e6e", "#c2478f", "#7a5cc9", "#4aa3b8", "#b0534a", "#8a8f3c")
_MOST_SERIES = len(COLOURS) - 1
_OTHERS = "others"


@dataclass(frozen=True)
class Block:
    """A rectangle: x, y, width and height in percent of the chart, and what it says when pointed at."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    title: str


@dataclass(frozen=True)
class Chart:
    """Blocks, the names of their colours, and the ends of both axes."""

    blocks: tuple[Block, ...]
    legend: tuple[tuple[str, str], ...]
    first: str
    last: str
    top: float


def bars(totals: Sequence[Total]) -> dict[str, float]:
    """Name → length of its bar in percent of the longest."""
    longest = max((total.cost for total in totals), default=0.0)
    return {total.name: 100 * total.cost / longest if longest else 0.0 for total in totals}


def stacked_days(span: Span, costs: Mapping[str, Mapping[str, float]]) -> Chart:
    """One stack per day of the span, one colour per series; what does not fit in the colours is `others`."""
    days = _days(span)
    series = _fold(costs)
    sums = {day: sum(values.get(day, 0.0) for _, values in series) for day in days}
    top = max(sums.values(), default=0.0)
    blocks: list[Block] = []
    width = 100 / max(len(days), 1)
    for index, day in enumerate(days):
        base = 100.0
        for colour, (name, values) in zip(COLOURS, series, strict=False):
            cost = values.get(day, 0.0)
            if cost and top:
                height = 100 * cost / top
                base -= height
                title = f"{day} {name}: ${cost:,.6f}"
                blocks.append(Block(index * width + width * 0.1, base, width * 0.8, height, colour, title))
    legend = tuple((name, colour) for colour, (name, _) in zip(COLOURS, series, strict=False))
    return Chart(tuple(blocks), legend, days[0] if days else "", days[-1] if days else "", top)


def _fold(costs: Mapping[str, Mapping[str, float]]) -> list[tuple[str, dict[str, float]]]:
    ordered = sorted(costs.items(), key=lambda item: -sum(item[1].values()))
    shown = [(name, dict(values)) for name, values in ordered[:_MOST_SERIES]]
    rest: dict[str, float] = {}
    for _, values in ordered[_MOST_SERIES:]:
        for day, cost in values.items():
            rest[day] = rest.get(day, 0.0) + cost
    return [*shown, (_OTHERS, rest)] if rest else shown


def _days(span: Span) -> list[str]:
    day, days = span.start.date(), []
    while day <= (span.end - timedelta(microseconds=1)).date():
        days.append(day.isoformat())
        day += timedelta(days=1)
    return days
