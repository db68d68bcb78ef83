"""The shape of one branch of the river as paths."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from lrp_core.figures.drawing import Command

Point = tuple[float, float]
Pieces = list[tuple[Point, ...]]  # each (to,), straight, or (control, control, to), a curve


def stream(
    points: Sequence[Point], thick: float
) -> tuple[tuple[Command, ...], tuple[Command, ...]]:
    """Outline and middle of a branch through points, so many px thick.

    Between two points of one height it is straight. Elsewhere it bends: in two arcs of a circle,
    which keep it equally thick all the way, or where it is too thick for that in a soft S.
    """
    half = thick / 2
    middle: list[Command] = [("M", points[0])]
    (x0, y0) = points[0]
    upper: list[Command] = [("M", (x0, y0 - half))]
    lower: list[list[Command]] = []  # along the flow; turned round at the end
    starts: list[Point] = []
    for start, end in pairwise(points):
        pieces = _bend(start, end, half)
        for side, into in ((0.0, middle), (-half, upper)):
            into += _commands(pieces(side))
        lower.append(_commands(pieces(half)))
        starts.append((start[0], start[1] + half))
    last = points[-1]
    commands = [*upper, ("L", (last[0], last[1] + half))]
    for start, along in zip(reversed(starts), reversed(lower), strict=True):
        commands += _turned(start, along)
    return (*commands, ("Z", ())), tuple(middle)


def _bend(start: Point, end: Point, half: float) -> Callable[[float], Pieces]:
    """The way between two points as a function of how far beside the middle, below it: positive."""
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, abs(y1 - y0)
    steep = dy > dx
    if dy < 0.01 or dx <= 0:
        return lambda side: [((x1, y1 + side),)]
    radius = dx / 2 if steep else (dx * dx + dy * dy) / (4 * dy)
    if radius < half + 2:
        middle = (x0 + x1) / 2
        return lambda side: [((middle, y0 + side), (middle, y1 + side), (x1, y1 + side))]
    sign = 1.0 if y1 > y0 else -1.0
    angle = math.pi / 2 if steep else 2 * math.atan2(dy, dx)

    def pieces(side: float) -> Pieces:
        # the first arc turns away from the flow, the second back into it
        first, second = radius - sign * side, radius + sign * side
        one = _arc((x0, y0 + sign * radius), first, sign, angle, forward=True)
        two = _arc((x1, y1 - sign * radius), second, sign, angle, forward=False)
        return [one, (two[0],), two[1:]]

    return pieces


def _arc(
    centre: Point, radius: float, sign: float, angle: float, *, forward: bool
) -> tuple[Point, ...]:
    """A quarter of a circle or less, as a curve.

    forward: from level to slanted, (control, control, end); else from slanted to level, with the
    point where it begins in front.
    """
    k = 4 / 3 * math.tan(angle / 4) * radius
    cx, cy = centre
    c, s = math.cos(angle), math.sin(angle)
    way = (c, sign * s)  # along the slanted part
    if forward:
        level, slanted = (cx, cy - sign * radius), (cx + radius * s, cy - sign * radius * c)
        control = (slanted[0] - k * way[0], slanted[1] - k * way[1])
        return (level[0] + k, level[1]), control, slanted
    level, slanted = (cx, cy + sign * radius), (cx - radius * s, cy + sign * radius * c)
    control = (slanted[0] + k * way[0], slanted[1] + k * way[1])
    return slanted, control, (level[0] - k, level[1]), level


def _commands(pieces: Pieces) -> list[Command]:
    found: list[Command] = []
    for piece in pieces:
        flat = tuple(value for point in piece for value in point)
        found.append(("L" if len(piece) == 1 else "C", flat))
    return found


def _turned(start: Point, commands: list[Command]) -> list[Command]:
    """The same way from its end to its start."""
    ends = [start, *((values[-2], values[-1]) for _, values in commands)]
    found: list[Command] = []
    for at in range(len(commands) - 1, -1, -1):
        letter, values = commands[at]
        if letter == "L":
            found.append(("L", ends[at]))
        else:
            found.append(("C", (values[2], values[3], values[0], values[1], *ends[at])))
    # the first piece begins where the outline already stands, but for the join between two points
    return [("L", ends[-1]), *found]


def flattened(commands: Sequence[Command], pieces: int = 16) -> list[Point]:
    """The corners of an outline whose curves are straight pieces."""
    corners: list[Point] = []
    for letter, values in commands:
        if letter == "C":
            a, b, c = corners[-1], (values[0], values[1]), (values[2], values[3])
            for n in range(1, pieces + 1):
                t = n / pieces
                weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
                points = (a, b, c, (values[4], values[5]))
                x, y = (
                    sum(w * point[side] for w, point in zip(weights, points, strict=True))
                    for side in (0, 1)
                )
                corners.append((x, y))
        elif values:
            corners.append((values[0], values[1]))
    return corners


def hatched(corners: Sequence[Point], apart: float) -> list[tuple[Point, Point]]:
    """The parts inside of a polygon of slanted lines, x + y = n · ``apart``."""
    lines: dict[int, list[float]] = {}  # number of a line -> where along x it meets the outline
    for (x0, y0), (x1, y1) in pairwise([*corners, corners[0]]):
        start, end = (x0 + y0) / apart, (x1 + y1) / apart
        for n in range(math.ceil(min(start, end)), math.ceil(max(start, end))):
            share = (n - start) / (end - start)
            lines.setdefault(n, []).append(x0 + share * (x1 - x0))
    found = []
    for n, places in sorted(lines.items()):
        crossed = sorted(places)
        for a, b in zip(crossed[::2], crossed[1::2], strict=False):
            found.append(((a, n * apart - a), (b, n * apart - b)))
    return found
