"""Places on Grafana's grid: panels from left to right, a heading above each row."""

from __future__ import annotations

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

    A panel that does not fit beside the one before it starts a new line.
    """
    places: list[GridPos] = []
    x = line_height = 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, line_height = 0, y + line_height, 0
        places.append(GridPos(h=panel.height, w=panel.width, x=x, y=y))
        x, line_height = x + panel.width, max(line_height, panel.height)
    return places, y + line_height
