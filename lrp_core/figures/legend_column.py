"""The legend of the network plot, drawn: a column beside the picture, or rows below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from lrp_core.figures.colours import css, scale
from lrp_core.figures.drawing import Gradient, Item, Path, Text, circle, polyline, rectangle
from lrp_core.figures.legend import CHARGE_SHAPES, SHAPES, Legend, Tick, coloured_by
from lrp_core.figures.marks import BALL, LINE, track_mark
from lrp_core.figures.scene import Scales, Scene
from lrp_core.figures.theme import Theme
from lrp_core.figures.typeset import fitting, measure
from lrp_core.figures.view import View

HEIGHTS = (132, 110, 92, 76, 60, 50)  # px of a scale: as tall as there is room for
HEAD = 11.5  # px of type
BODY = 10.5
WIDE = 128  # px of the column
GAP = 15  # px between blocks
STOPS = 12  # of a gradient, less one


class Block(NamedTuple):
    """One part of the legend: its size in px at unit 1, and how it is drawn there."""

    width: float
    height: float
    draw: Callable[[float, float], Iterator[Item]]


class Pen(NamedTuple):
    """What all blocks are drawn with."""

    theme: Theme
    unit: float
    high: float

    def head(self, x: float, y: float, text: str) -> Text:
        """A block's title."""
        u = self.unit
        return Text(x, y + 9 * u, text, HEAD * u, self.theme.text, bold=True, kind="legend")

    def body(self, x: float, y: float, text: str, colour: str | None = None) -> Text:
        """A text whose middle is at y."""
        u = self.unit
        ink = colour or self.theme.muted
        return Text(x, y, text, BODY * u, ink, centred=True, kind="legend")


def legend_size(
    scene: Scene,
    view: View,
    theme: Theme,
    scales: Scales,
    unit: float,
    *,
    beside: bool,
    room: tuple[float, float],
) -> tuple[float, float]:
    """Width and height in px that the legend takes."""
    blocks = _blocks(scene, view, theme, scales, unit, beside=beside, room=room)
    if beside:
        return WIDE * unit, sum(block.height + GAP for block in blocks) * unit
    rows = _rows(blocks, room[0] / unit)
    return room[0], sum(max(b.height for b in row) + GAP for row in rows) * unit


def draw_legend(
    scene: Scene,
    view: View,
    theme: Theme,
    scales: Scales,
    unit: float,
    place: tuple[float, float],
    *,
    beside: bool,
    room: tuple[float, float],
) -> Iterator[Item]:
    """The legend with its upper left corner at ``place``."""
    blocks = _blocks(scene, view, theme, scales, unit, beside=beside, room=room)
    x, y = place
    if beside:
        for block in blocks:
            yield from block.draw(x, y)
            y += (block.height + GAP) * unit
        return
    for row in _rows(blocks, room[0] / unit):
        left = x
        for block in row:
            yield from block.draw(left, y)
            left += (block.width + 18) * unit
        y += (max(block.height for block in row) + GAP) * unit


def _rows(blocks: list[Block], room: float) -> list[list[Block]]:
    """Blocks side by side, as many as there is room for."""
    rows: list[list[Block]] = [[]]
    for block in blocks:
        if rows[-1] and sum(b.width + 18 for b in rows[-1]) + block.width > room:
            rows.append([])
        rows[-1].append(block)
    return rows


def _blocks(
    scene: Scene,
    view: View,
    theme: Theme,
    scales: Scales,
    unit: float,
    *,
    beside: bool,
    room: tuple[float, float],
) -> list[Block]:
    """The parts of the legend, their scales as tall as there is room for."""
    says = Legend.of(scene, view, scales)
    for high in HEIGHTS if beside else HEIGHTS[3:]:
        pen = Pen(theme, unit, high)
        blocks = list(_all(scene, view, says, pen))
        if sum(block.height + GAP for block in blocks) * unit <= room[1] + 40 * unit:
            break
    return blocks


def _all(scene: Scene, view: View, says: Legend, pen: Pen) -> Iterator[Block]:
    by_sign = view.edgecolor == "relevance"
    if len(says.significance) > 1:
        yield _widths(says, pen, coloured=not by_sign)
    if by_sign:
        yield _signed("Edge relevance", says.signed, scene, pen)
    coloured = coloured_by(scene, view)
    if coloured == "origin":
        yield _kinds("Track origin", [
            (SHAPES[one.code], pen.theme.origins[one.code], one.title, one.count)
            for one in says.origins
        ], pen)  # fmt: skip
    elif coloured == "charge":
        yield _kinds("Track charge", [
            (CHARGE_SHAPES[one.code > 0], pen.theme.origins[2 if one.code > 0 else 3], one.title,
             one.count) for one in says.charges
        ], pen)  # fmt: skip
    else:
        yield _signed("Track relevance", says.relevance, scene, pen)
    if view.marks and says.marks:
        yield _marks(says, pen)
    if says.sizes:
        yield _sizes(says, view, pen)


def _widths(says: Legend, pen: Pen, *, coloured: bool) -> Block:
    """The scale of significance: width, and colour where colour shows it too."""
    theme, u, high = pen

    def draw(x: float, y: float) -> Iterator[Item]:
        yield pen.head(x, y, "Edge significance")
        top, bottom = y + 22 * u, y + (22 + high) * u
        of = scale(theme.sequential)
        stops = tuple((n / STOPS, css(of(n / STOPS))) for n in range(STOPS + 1))
        if coloured:
            paint = Gradient((x, bottom), (x, top), stops)
            yield Path(
                rectangle(x + 2 * u, top, 10 * u, high * u, 2 * u), fill=paint, kind="legend"
            )
        middle = x + (18 if coloured else 7) * u
        widest = max(step.width for step in says.steps) * LINE / 2 * u
        right = [(middle + step.width * LINE / 2 * u, share) for step in says.steps
                 for share in (step.low, step.high)]  # fmt: skip
        left = [(2 * middle - at, share) for at, share in reversed(right)]
        outline = [(at, bottom - share * high * u) for at, share in (*right, *left)]
        yield Path(polyline(outline, closed=True), fill=theme.muted, kind="legend")
        yield from _ticks(pen, says.significance, middle + widest + 5 * u,
                          lambda at: bottom - at * high * u, apart=13 / high)  # fmt: skip

    return Block(WIDE, high + 30, draw)


def _signed(title: str, ticks: tuple[Tick, ...], scene: Scene, pen: Pen) -> Block:
    """A scale from − to +, and what either sign says."""
    theme, u, high = pen

    def draw(x: float, y: float) -> Iterator[Item]:
        yield pen.head(x, y, title)
        top, bottom = y + 22 * u, y + (22 + high) * u
        count = len(theme.diverging) - 1
        stops = tuple((n / count, colour) for n, colour in enumerate(theme.diverging))
        bar = rectangle(x + 2 * u, top, 10 * u, high * u, 2 * u)
        paint = Gradient((x, bottom), (x, top), stops)
        yield Path(bar, fill=paint, stroke=theme.grid, width=u, kind="legend")
        yield from _ticks(pen, ticks, x + 15 * u, lambda at: (top + bottom) / 2 - at * high * u / 2)
        below = bottom + 17 * u
        yield pen.body(x, below, "+ for", theme.positive)
        shift = measure("+ for", BODY * u) + 7 * u
        yield pen.body(x + shift, below, "− against", theme.negative)
        shift += measure("− against", BODY * u) + 7 * u
        yield pen.body(x + shift, below, scene.stands_for)

    return Block(WIDE, high + 47, draw)


def _ticks(
    pen: Pen,
    ticks: tuple[Tick, ...],
    x: float,
    y_of: Callable[[float], float],
    apart: float = 0.0,
) -> Iterator[Item]:
    u = pen.unit
    for tick in ticks:
        if apart and tick.at != 1 and 1 - tick.at <= apart:
            continue
        y = y_of(tick.at)
        line = polyline([(x, y), (x + 4 * u, y)])
        yield Path(line, stroke=pen.theme.muted, width=u, opacity=0.7, kind="legend")
        yield pen.body(x + 8 * u, y, tick.text)


def _kinds(title: str, kinds: list[tuple[str, str, str, int]], pen: Pen) -> Block:
    """Shapes and colours with their names, and how many there are."""
    theme, u, _ = pen

    def draw(x: float, y: float) -> Iterator[Item]:
        yield pen.head(x, y, title)
        for row, (shape, colour, name, count) in enumerate(kinds):
            middle = y + (26 + 16 * row) * u
            yield track_mark(
                shape, x + 6 * u, middle, 10 * u, fill=colour, rim=theme.outline, unit=u
            )
            number = str(count)
            room = (WIDE - 20) * u - measure(number, BODY * u)
            yield pen.body(x + 17 * u, middle, fitting(name, BODY * u, room - 6 * u))
            yield Text(x + WIDE * u, middle, number, BODY * u, theme.text, "end", centred=True,
                       kind="legend")  # fmt: skip

    return Block(WIDE, 22 + 16 * len(kinds), draw)


def _marks(says: Legend, pen: Pen) -> Block:
    """Leptons and displaced tracks."""
    theme, u, _ = pen

    def draw(x: float, y: float) -> Iterator[Item]:
        yield pen.head(x, y, "Marked tracks")
        for row, (sign, title, count) in enumerate(says.marks):
            middle = y + (26 + 16 * row) * u
            if sign == "◯":
                outline = circle(x + 6 * u, middle, 5 * u)
                yield Path(outline, stroke=theme.text, width=u, opacity=0.75, kind="legend")
            else:
                yield Text(x + 6 * u, middle, sign, 12 * u, theme.text, "middle", True,
                           centred=True, kind="legend")  # fmt: skip
            name = title.partition(":")[0] if sign == "◯" else title
            yield pen.body(x + 17 * u, middle, name)
            yield Text(x + WIDE * u, middle, str(count), BODY * u, theme.text, "end", centred=True,
                       kind="legend")  # fmt: skip

    return Block(WIDE, 22 + 16 * len(says.marks), draw)


def _sizes(says: Legend, view: View, pen: Pen) -> Block:
    """How large a track is, with three values."""
    theme, u, _ = pen
    rows = [max(size.diameter * BALL, 13) + 4 for size in says.sizes]

    def draw(x: float, y: float) -> Iterator[Item]:
        of = "|relevance|" if view.size == "relevance" else "p_T"
        yield pen.head(x, y, f"Track size: {of}")
        top = y + 17 * u
        for size, row in zip(says.sizes, rows, strict=True):
            middle = top + row / 2 * u
            outline = circle(x + 17 * u, middle, size.diameter * BALL / 2 * u)
            yield Path(outline, stroke=theme.outline, width=u, kind="legend")
            yield pen.body(x + 42 * u, middle, size.text)
            top += row * u

    return Block(WIDE, 20 + sum(rows), draw)
