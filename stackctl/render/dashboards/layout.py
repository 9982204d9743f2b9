"""Places on Grafana's grid: panels from left to right, a heading above each row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stackctl.render.dashboards.grafana import GridPos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.render.dashboards.definition import Panel

COLUMNS = 24
HEADING_HEIGHT = 1


def heading(y: int) -> GridPos:
    """The place of a row's heading."""
    return GridPos(h=HEADING_HEIGHT, w=COLUMNS, x=0, y=y)


def place(panels: Sequence[Panel], y: int) -> tuple[list[GridPos], int]:
    """The place of each panel, starting at line `y`, and the first free line below them.

    A panel that does not fit beside the one before it starts a new line; the last one of a line fills it, so that a
    neighbour that was left out leaves no hole.
    """
    places: list[GridPos] = []
    x = line_height = 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            places[-1] = _widened(places[-1])
            x, y, line_height = 0, y + line_height, 0
        places.append(GridPos(h=panel.height, w=panel.width, x=x, y=y))
        x, line_height = x + panel.width, max(line_height, panel.height)
    if places:
        places[-1] = _widened(places[-1])
    return places, y + line_height


def _widened(place: GridPos) -> GridPos:
    return replace(place, w=COLUMNS - place.x)
