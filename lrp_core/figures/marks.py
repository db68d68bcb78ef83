"""The shapes of tracks as paths: balls, and what stands for the rarer origins and charges."""

from __future__ import annotations

from lrp_core.figures.drawing import Command, Path, circle, polyline, rectangle

# How large Plotly draws what it is given, measured in the browser: a ball of marker size 10 is
# 15 px across, and a line of width 10 is 5 px wide.
BALL = 1.5
LINE = 0.5
ARM = 0.34  # half the width of a cross's arm, as a share of its reach


def track_mark(
    shape: str, x: float, y: float, diameter: float, *, fill: str, rim: str, unit: float
) -> Path:
    """A track of a shape of ``SHAPES`` around a point."""
    radius = diameter / 2
    if shape.endswith("-open"):
        ring = _outline(shape.removesuffix("-open"), x, y, radius * 0.85)
        return Path(ring, stroke=fill, width=max(1.2 * unit, radius * 0.3), kind="track")
    outline = _outline(shape, x, y, radius)
    return Path(outline, fill=fill, stroke=rim, width=0.9 * unit, kind="track")


def _outline(shape: str, x: float, y: float, radius: float) -> tuple[Command, ...]:
    if shape == "diamond":
        r = radius * 1.15
        return polyline([(x, y - r), (x + r, y), (x, y + r), (x - r, y)], closed=True)
    if shape == "square":
        return rectangle(x - 0.87 * radius, y - 0.87 * radius, 1.74 * radius, 1.74 * radius)
    if shape == "cross":
        r, a = 1.05 * radius, 1.05 * radius * ARM
        corners = [(-a, -r), (a, -r), (a, -a), (r, -a), (r, a), (a, a)]
        corners += [(a, r), (-a, r), (-a, a), (-r, a), (-r, -a), (-a, -a)]
        return polyline([(x + u, y + v) for u, v in corners], closed=True)
    return circle(x, y, radius)
