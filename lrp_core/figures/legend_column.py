"""The legend of the network plot, drawn: a column beside the picture, or a row below it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from lrp_core.figures.colours import css, scale
from lrp_core.figures.drawing import Gradient, Item, Path, Text, circle, polyline, rectangle
from lrp_core.figures.legend import CHARGE_SHAPES, SHAPES, Legend, Tick, Titles, coloured_by
from lrp_core.figures.marks import BALL, track_mark
from lrp_core.figures.picture import Panel, Picture, Shown
from lrp_core.figures.scene import Scales, Scene
from lrp_core.figures.stage import Stage
from lrp_core.figures.theme import Theme
from lrp_core.figures.typeset import measure, wrapped
from lrp_core.figures.view import View

HEIGHTS = (132, 110, 92, 76, 60, 50, 40)  # px of a scale: as tall as there is room for
CROWDED = 50  # px of a scale below which every other of its ticks has a number
NATURAL = 76  # and where any height will do
LOW = 20  # px of a panel that is to be as high as its legend
HEAD = 11.5  # px of type
BODY = 11.0
WIDE = 132  # px of the column
ROW = 168  # px of a legend below the picture
CAPTION = 17.4  # px of a block's title
LINE = 13.2  # px of a line in a list, and 4 more around each of its marks
GAP = 14  # px between blocks
STOPS = 12  # of a gradient, less one


class Block(NamedTuple):
    """One part of the legend: its size in px at unit 1, and how it is drawn there."""

    width: float
    height: float
    draw: Callable[[float, float], Iterator[Item]]


class Pen(NamedTuple):
    """What all blocks are drawn with; wide: px at unit 1 of a column, None in a row."""

    theme: Theme
    unit: float
    high: float
    wide: float | None

    def head(self, x: float, y: float, text: str) -> Text:
        """A block's title, in smaller type where its column is narrow."""
        u = self.unit
        room = 1.0 if self.wide is None else self.wide / measure(text, HEAD, bold=True)
        size = HEAD * min(1.0, room) * u
        return Text(x, y + 11.4 * u, text, size, self.theme.text, bold=True, kind="legend")

    def body(self, x: float, y: float, text: str, colour: str | None = None) -> Text:
        """A text whose middle is at y."""
        u = self.unit
        ink = colour or self.theme.muted
        return Text(x, y, text, BODY * u, ink, centred=True, kind="legend")


def picture_legend(shown: Shown, view: View, panel: Panel, pinned: Shown | None = None) -> Picture:
    """The legend for its place on the page: a column, or rows where that is wide.

    Rows are as high as they need to be in a panel that has no height yet; in another, the last
    parts go where there is no room for all.
    Raises FigureError as ``Stage.of``.
    """
    stage = Stage.of(shown, view, pinned)
    unit = panel.font / BODY
    box = (0.0, 0.0, panel.width, panel.height)
    beside = panel.width < 2 * WIDE * unit
    pen = Pen(panel.theme, unit, 0.0, panel.width / unit if beside else None)
    grows = panel.height < LOW
    placed, needed = _fitting(stage.scene, stage.view, stage.scales, pen, box, whole=grows)
    items = tuple(item for block, x, y in placed for item in block.draw(x, y))
    words = " ".join(item.text for item in items if isinstance(item, Text))
    height = math.ceil(needed) if grows else panel.height
    return Picture("legend-svg", panel.width, height, items, f"Legend: {words}")


def draw_legend(
    scene: Scene,
    view: View,
    theme: Theme,
    scales: Scales,
    unit: float,
    box: tuple[float, float, float, float],
    *,
    beside: bool,
) -> Iterator[Item]:
    """The legend in a box: left, top, width and height in px; beside: in a column.

    Its scales are as tall as there is room for; where the lowest leave none for all, the last parts
    go: never half of one.
    """
    pen = Pen(theme, unit, 0.0, WIDE if beside else None)
    placed, _ = _fitting(scene, view, scales, pen, box)
    for block, x, y in placed:
        yield from block.draw(x, y)


Placed = list[tuple[Block, float, float]]  # and where its upper left corner is, in px


def _fitting(
    scene: Scene,
    view: View,
    scales: Scales,
    pen: Pen,
    box: tuple[float, float, float, float],
    *,
    whole: bool = False,
) -> tuple[Placed, float]:
    """The parts that are in a box, and how high they are in px; whole: all of them, whatever."""
    says = Legend.of(scene, view, scales)
    for high in HEIGHTS:
        blocks = list(_all(scene, view, says, pen._replace(high=high)))
        placed, needed = _placed(blocks, pen, box)
        if needed <= box[3]:
            return placed, needed
    if whole:
        blocks = list(_all(scene, view, says, pen._replace(high=NATURAL)))
        return _placed(blocks, pen, box)
    while len(blocks) > 2 and needed > box[3]:
        blocks.pop()
        placed, needed = _placed(blocks, pen, box)
    return placed, needed


def _placed(
    blocks: list[Block], pen: Pen, box: tuple[float, float, float, float]
) -> tuple[Placed, float]:
    """Blocks below each other; or in as few rows as there is width for, spread over it."""
    x, y, width, _ = box
    u = pen.unit
    rows: list[list[Block]] = [[]]
    for block in blocks:
        wide = sum(one.width + GAP for one in rows[-1]) + block.width
        if rows[-1] and (pen.wide is not None or wide * u > width):
            rows.append([])
        rows[-1].append(block)
    placed: Placed = []
    top = y
    for row in rows:
        free = width - sum(block.width for block in row) * u
        left = x
        for block in row:
            placed.append((block, left, top))
            left += block.width * u + free / max(1, len(row) - 1)
        top += (max((block.height for block in row), default=0.0) + GAP) * u
    return placed, top - GAP * u - y


def _all(scene: Scene, view: View, says: Legend, pen: Pen) -> Iterator[Block]:
    by_sign = view.edgecolor == "relevance"
    titles = Titles.of_scene(scene)
    if len(says.significance) > 1:
        yield _widths(titles.width, says, pen, coloured=not by_sign)
    if by_sign:
        yield _signed(titles.edges, says.signed, titles, pen)
    coloured = coloured_by(scene, view)
    if coloured == "origin":
        yield _kinds("Track origin", [
            (SHAPES[one.code], pen.theme.origins[one.code], one.title, one.count)
            for one in says.origins
        ], pen, "as simulated")  # fmt: skip
    elif coloured == "charge":
        yield _kinds("Track charge", [
            (CHARGE_SHAPES[one.code > 0], pen.theme.origins[2 if one.code > 0 else 3], one.title,
             one.count) for one in says.charges
        ], pen)  # fmt: skip
    else:
        yield _signed(titles.tracks, says.relevance, titles, pen)
    if view.marks and says.marks:
        yield _marks(says, pen)
    if says.sizes:
        yield _sizes(says, view, pen)


def _widths(title: str, says: Legend, pen: Pen, *, coloured: bool) -> Block:
    """The scale of significance: width, and colour where colour shows it too."""
    theme, u, high, _ = pen

    def draw(x: float, y: float) -> Iterator[Item]:
        yield pen.head(x, y, title)
        bottom, middle = y + (CAPTION + 8 + high) * u, x + 8 * u
        of = scale(theme.sequential)
        stops = tuple((n / STOPS, css(of(n / STOPS))) for n in range(STOPS + 1))
        right = [(middle + step.width / 2 * u, share) for step in says.steps
                 for share in (step.low, step.high)]  # fmt: skip
        left = [(2 * middle - at, share) for at, share in reversed(right)]
        outline = [(at, bottom - share * high * u) for at, share in (*right, *left)]
        paint = Gradient((x, bottom), (x, bottom - high * u), stops) if coloured else theme.muted
        yield Path(polyline(outline, closed=True), fill=paint, kind="legend")
        yield from _ticks(pen, says.significance, x, lambda at: bottom - at * high * u,
                          apart=13 / high)  # fmt: skip

    wide = max(92, measure(title, HEAD, bold=True))
    return Block(wide, CAPTION + high + 16, draw)


def _signed(title: str, ticks: tuple[Tick, ...], titles: Titles, pen: Pen) -> Block:
    """A scale from − to +, and what either sign says."""
    theme, u, high, _ = pen

    def draw(x: float, y: float) -> Iterator[Item]:
        yield pen.head(x, y, title)
        top, bottom = y + (CAPTION + 8) * u, y + (CAPTION + 8 + high) * u
        count = len(theme.diverging) - 1
        stops = tuple((n / count, colour) for n, colour in enumerate(theme.diverging))
        bar = rectangle(x + 3 * u, top, 10 * u, high * u, 2 * u)
        paint = Gradient((x, bottom), (x, top), stops)
        yield Path(bar, fill=paint, stroke=theme.grid, width=u, kind="legend")
        told = ticks if high >= CROWDED else ticks[::2]
        yield from _ticks(pen, told, x, lambda at: (top + bottom) / 2 - at * high * u / 2)
        below = bottom + 18.4 * u
        yield pen.body(x, below, titles.positive, theme.positive)
        shift = measure(f"{titles.positive} ", BODY * u)
        yield pen.body(x + shift, below, titles.negative, theme.negative)
        yield pen.body(x, below + 14.85 * u, titles.of)

    wide = max(92, measure(title, HEAD, bold=True))
    return Block(wide, CAPTION + high + 16 + 32.7, draw)


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
        line = polyline([(x + 16 * u, y), (x + 20 * u, y)])
        yield Path(line, stroke=pen.theme.muted, width=u, opacity=0.6, kind="legend")
        yield pen.body(x + 24 * u, y, tick.text)


def _list(
    title: str,
    rows: list[tuple[Callable[[float, float], Item], str, int]],
    pen: Pen,
    note: str = "",
) -> Block:
    """Marks with their names, in as many lines as these need, and how many there are."""
    theme, u, _, column = pen
    counts = max(measure(str(count), BODY, bold=True) for _, _, count in rows)
    room = (column or WIDE) - 21 - counts
    lines = [wrapped(name, BODY, room) if column else [name] for _, name, _ in rows]
    widest = max(measure(line, BODY) for name in lines for line in name)
    wide = column or max(measure(title, HEAD, bold=True), 24 + widest + counts)

    def draw(x: float, y: float) -> Iterator[Item]:
        yield pen.head(x, y, title)
        top = y + CAPTION * u
        for (mark, _, count), name in zip(rows, lines, strict=True):
            middle = top + (2 + LINE / 2) * u
            yield mark(x + 6 * u, middle)
            for at, line in enumerate(name):
                yield pen.body(x + 18 * u, middle + at * LINE * u, line, theme.text)
            yield Text(x + wide * u, middle, str(count), BODY * u, theme.text, "end", True,
                       centred=True, kind="legend")  # fmt: skip
            top += (4 + LINE * len(name)) * u
        if note:
            yield pen.body(x, top + 10.4 * u, note)

    high = sum(4 + LINE * len(name) for name in lines) + (17.9 if note else 0)
    return Block(wide, CAPTION + high, draw)


def _kinds(title: str, kinds: list[tuple[str, str, str, int]], pen: Pen, note: str = "") -> Block:
    """Shapes and colours with their names."""
    theme, u = pen.theme, pen.unit

    def mark(shape: str, colour: str) -> Callable[[float, float], Item]:
        return lambda x, y: track_mark(shape, x, y, 10 * u, fill=colour, rim=theme.outline, unit=u)

    rows = [(mark(shape, colour), name, count) for shape, colour, name, count in kinds]
    return _list(title, rows, pen, note)


def _marks(says: Legend, pen: Pen) -> Block:
    """Leptons and displaced tracks."""
    theme, u = pen.theme, pen.unit

    def mark(sign: str) -> Callable[[float, float], Item]:
        if sign == "◯":
            return lambda x, y: Path(
                circle(x, y, 5 * u), stroke=theme.text, width=u, opacity=0.75, kind="legend"
            )
        return lambda x, y: Text(
            x, y, sign, 12 * u, theme.text, "middle", True, centred=True, kind="legend"
        )

    return _list("Marked tracks", [(mark(sign), name, n) for sign, name, n in says.marks], pen)


def _sizes(says: Legend, view: View, pen: Pen) -> Block:
    """How large a track is, with three values."""
    theme, u = pen.theme, pen.unit
    rows = [max(size.diameter * BALL, 13) + 4 for size in says.sizes]

    def draw(x: float, y: float) -> Iterator[Item]:
        of = "|relevance|" if view.size == "relevance" else "p_T"
        yield pen.head(x, y, f"Track size: {of}")
        top = y + (CAPTION + 2) * u
        for size, row in zip(says.sizes, rows, strict=True):
            middle = top + (row - 4) / 2 * u
            outline = circle(x + 18 * u, middle, size.diameter * BALL / 2 * u)
            yield Path(outline, stroke=theme.outline, width=u, kind="legend")
            yield pen.body(x + 43 * u, middle, size.text)
            top += row * u

    return Block(100, CAPTION + 2 + sum(rows), draw)
