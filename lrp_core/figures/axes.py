"""The axes of the network plot, projected: grid on the far faces, ticks and titles at the rim."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lrp_core.figures.camera import Array, Projector, cube
from lrp_core.figures.drawing import Item, Path, Text, polyline
from lrp_core.figures.geometry import SIDES, Frame
from lrp_core.figures.theme import Theme
from lrp_core.figures.typeset import measure

TICK = 11.0  # px of type, at unit 1
TITLE = 13.0
UPRIGHT = 70.0  # degrees from which on a line is one
AWAY = 7.0  # px from an axis to its tick labels, and from these to its title


def draw_axes(
    where: Frame, projector: Projector, theme: Theme, unit: float, muted: str | None
) -> Iterator[Item]:
    """Grid, ticks and titles; ``muted`` is the axis that the camera looks along, which has none."""
    box = cube(projector)
    low, high = where.low, where.high
    far = np.where(box.far, high, low)
    middle = projector.project((low + high) / 2)[0]
    for across, side in enumerate(SIDES):
        for value in where.axes[side].tickvals:
            for face in range(3):
                if face == across:
                    continue
                yield _grid_line(projector, far, low, high, across, value, face, theme, unit)
    for along, side in enumerate(SIDES):
        start = np.where([(box.edges[along] >> n) & 1 for n in range(3)], high, low)
        end = start.copy()
        start[along], end[along] = low[along], high[along]
        ends = projector.project(np.stack([start, end]))[0]
        yield Path(polyline(ends), stroke=theme.grid, width=1.25 * unit, kind="axis")
        if side != muted:
            yield from _labels(where, projector, theme, unit, along, start, ends, middle)


def reading(way: Array) -> float:
    """The angle of a title along a line (x, y in px, y down): clockwise degrees, -110 to 70.

    From the left, and from below where the line is about upright, as assets/picture/axes.js has it.
    """
    degrees = float(np.degrees(np.arctan2(way[1], way[0])))
    degrees = (degrees + 90) % 180 - 90
    return degrees - 180 if degrees > UPRIGHT else degrees


def _grid_line(
    projector: Projector,
    far: Array,
    low: Array,
    high: Array,
    across: int,
    value: float,
    face: int,
    theme: Theme,
    unit: float,
) -> Path:
    """The line of one tick on the far face of another axis."""
    other = 3 - across - face
    line = np.stack([far, far])
    line[:, across] = value
    line[0, other], line[1, other] = low[other], high[other]
    ends = projector.project(line)[0]
    return Path(polyline(ends), stroke=theme.grid, width=0.75 * unit, kind="grid")


def _labels(
    where: Frame,
    projector: Projector,
    theme: Theme,
    unit: float,
    along: int,
    start: Array,
    ends: Array,
    middle: Array,
) -> Iterator[Item]:
    """Tick labels beside one edge of the box, and the title beside these."""
    axis = where.axes[SIDES[along]]
    way = ends[1] - ends[0]
    length = float(np.hypot(*way))
    if length < 1e-9:
        return
    out = np.array([-way[1], way[0]]) / length
    if out @ (ends.mean(axis=0) - middle) < 0:
        out = -out
    size = TICK * unit
    reach = 0.0
    for value, text in zip(axis.tickvals, axis.ticktext, strict=True):
        point = start.copy()
        point[along] = value
        place = projector.project(point)[0]
        extent = abs(out[0]) * measure(text, size) + abs(out[1]) * size * 0.8
        reach = max(reach, extent)
        x, y = place + out * (AWAY * unit + extent / 2)
        tick = place + out * 3 * unit
        yield Path(polyline([place, tick]), stroke=theme.grid, width=unit, kind="tick")
        yield Text(x, y, text, size, theme.muted, anchor="middle", centred=True, kind="tick")
    size = TITLE * unit
    x, y = ends.mean(axis=0) + out * (AWAY * unit * 2 + reach + size / 2)
    yield Text(
        x,
        y,
        axis.title.replace("  ", " "),
        size,
        theme.text,
        "middle",
        degrees=reading(way),
        centred=True,
        kind="title",
    )
