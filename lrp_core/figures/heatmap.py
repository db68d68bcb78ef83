"""The heat map as a vector figure: relevance of each track (row) through each feature (column)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Unpack

import numpy as np

from lrp_core.figures.arrangement import GROUPS, Arrangement, arrange
from lrp_core.figures.colours import Channels, css, scale
from lrp_core.figures.drawing import (
    Drawing,
    Gradient,
    Item,
    Path,
    Text,
    circle,
    polyline,
    rectangle,
)
from lrp_core.figures.headline import HEATMAP
from lrp_core.figures.numbers import signed, significant
from lrp_core.figures.scene import Scene
from lrp_core.figures.sheet import Paper, Sheet, sheet
from lrp_core.figures.theme import Theme
from lrp_core.figures.typeset import fitting, measure
from lrp_core.figures.view import View

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation
    from lrp_core.jets import Jet

GAP = 5.0  # px between groups
TALLEST = 26.0  # px a row may be high
GENTLE = 0.5  # power of the colour scale: half the colour at a quarter of the relevance
LEFT, FOOT = 98.0, 48.0  # px for the tracks, and for the groups
RIGHT = 98.0, 150.0  # px for the sums of the tracks, at least and at most
SIZE = 11.5  # px of type
SMALL = 11.0
DASHED_FROM = 1 / 16  # of the largest: what speaks against by more has a dash, if there is room


def draw_heatmap(jet: Jet, explanation: Explanation, view: View, **paper: Unpack[Paper]) -> Drawing:
    """The heat map of a view, with heading and provenance; as ``draw_network``."""
    scene = Scene.of(jet, explanation)
    page = sheet(jet, explanation, view, HEATMAP, paper)
    says = arrange(scene, view)
    return page.drawing("Heat map", list(_HeatMap.on(page, scene, view, says).items()))


@dataclass(frozen=True, eq=False)
class _HeatMap:
    """Where everything stands, in px.

    xs      left edges of the columns; ``pitch`` is how wide one is, ``step`` how high a row is
    head    lower end of the slanted names; top, bottom, left, right: those of the cells
    """

    page: Sheet
    scene: Scene
    view: View
    says: Arrangement
    xs: tuple[float, ...]
    pitch: float
    step: float
    letters: float
    slant: float
    names: tuple[str, ...]
    head: float
    bars: float
    top: float
    left: float
    right: float

    @classmethod
    def on(cls, page: Sheet, scene: Scene, view: View, says: Arrangement) -> _HeatMap:
        u = page.unit
        n = max(1, len(says.columns))
        page = replace(page, top=page.top + 4 * u, bottom=page.bottom - 4 * u)
        left, room = page.margin + LEFT * u, page.width - 2 * page.margin
        beside = max(RIGHT[0] * u, min(RIGHT[1] * u, 0.11 * room))
        right = page.width - page.margin - beside
        tall = page.bottom - page.top
        pitch = (right - left - GAP * u * (len(says.groups) - 1)) / n
        letters = max(8.5 * u, min(SIZE * u, pitch * 1.06))
        slant = max(0.72, math.asin(min(1.0, letters * 1.08 / max(pitch, 1.0))))
        reach = (max(58 * u, 0.3 * tall) - 6 * u) / math.sin(slant)
        names = tuple(
            column.title
            if measure(column.title, letters) <= reach
            else fitting(column.short, letters, reach)
            for column in says.columns
        )
        longest = max((measure(name, letters) for name in names), default=0.0)
        head = page.top + max(52 * u, longest * math.sin(slant) + 6 * u)
        bars = min(84 * u, 0.13 * tall)
        top = head + bars + 5 * u
        rows = max(1, len(says.rows))
        step = min(TALLEST * u, (page.bottom - FOOT * u - top) / rows)
        xs, x = [], left
        for at, column in enumerate(says.columns):
            if at and says.columns[at - 1].group != column.group:
                x += GAP * u
            xs.append(x)
            x += pitch
        return cls(
            page, scene, view, says, tuple(xs), pitch, step, letters, slant, names, head, bars,
            top, left, right,
        )  # fmt: skip

    @property
    def bottom(self) -> float:
        return self.top + self.step * len(self.says.rows)

    def items(self) -> Iterator[Item]:
        yield from self.cells()
        yield from self.scale()
        yield from self.column_names()
        yield from self.column_sums()
        yield from self.row_sums()
        yield from self.row_names()
        yield from self.groups()
        yield from self.total()

    def text(self, x: float, y: float, words: str, **more: object) -> Text:
        """A small text whose middle is at y."""
        u = self.page.unit
        usual = {"size": SMALL * u, "colour": self.page.theme.muted, "centred": True}
        return Text(x, y, words, **{**usual, **more})  # type: ignore[arg-type]

    def cells(self) -> Iterator[Item]:
        """The cells, on a ground that shows how far each group goes."""
        u, theme, says = self.page.unit, self.page.theme, self.says
        for group in says.groups:
            x = self.xs[group.first]
            wide = self.xs[group.last] + self.pitch - x
            ground = rectangle(x, self.top, wide, self.bottom - self.top)
            yield Path(ground, fill=theme.page, opacity=0.5, kind="ground")
        of = colouring(theme)
        seam = min(1.0 * u, 0.12 * self.step, 0.12 * self.pitch)
        room = self.pitch > 9 * u and self.step > 8 * u
        for row, values in enumerate(says.cells):
            y = self.top + row * self.step
            for x, value in zip(self.xs, values.tolist(), strict=True):
                if value == 0:
                    continue
                share = value / says.most
                cell = rectangle(x, y, self.pitch - seam, self.step - seam)
                yield Path(cell, fill=css(of(share)), kind="cell")
                if room and share < -DASHED_FROM:
                    middle = y + (self.step - seam) / 2
                    dash = [(x + 0.3 * self.pitch, middle), (x + 0.66 * self.pitch, middle)]
                    yield Path(polyline(dash), stroke=theme.panel, width=1.1 * u, kind="dash")

    def scale(self) -> Iterator[Item]:
        """What a colour means, above the tracks."""
        u, theme, most = self.page.unit, self.page.theme, self.says.most
        low, top = signed(-most, 2), signed(most, 2)
        words = measure(low, SMALL * u) + measure(top, SMALL * u) + 8 * u
        x, wide, high = self.page.margin + 4 * u, max((LEFT - 14) * u, words), 9 * u
        y = self.page.top + 20 * u
        of = colouring(theme)
        stops = tuple((n / 16, css(of(2 * n / 16 - 1))) for n in range(17))
        paint = Gradient((x, y), (x + wide, y), stops)
        bar = rectangle(x, y, wide, high, 2 * u)
        yield Path(bar, fill=paint, stroke=theme.line, width=0.8 * u, kind="legend")
        yield self.text(x, y - 8 * u, "− against", colour=theme.negative)
        yield self.text(x + wide, y - 8 * u, "for +", colour=theme.positive, anchor="end")
        yield self.text(x, y + high + 8 * u, low)
        yield self.text(x + wide, y + high + 8 * u, top, anchor="end")

    def column_names(self) -> Iterator[Item]:
        """The features, slanted; where they would overlap, those that count most."""
        theme, says = self.page.theme, self.says
        standing: list[int] = []
        order = sorted(
            range(len(says.columns)), key=lambda at: -abs(says.columns[at].sums.strength)
        )
        for at in order:
            near = any(
                abs(self.xs[other] - self.xs[at]) * math.sin(self.slant) < self.letters * 1.05
                for other in standing
            )
            if not near or says.columns[at] is says.by:
                standing.append(at)
        for at in sorted(standing):
            x = self.xs[at] + self.pitch / 2 + self.letters * 0.34 * math.sin(self.slant)
            sorted_by = says.columns[at] is says.by
            yield Text(
                x, self.head - 1, self.names[at], self.letters,
                theme.accent if sorted_by else theme.text, bold=sorted_by,
                degrees=-math.degrees(self.slant), kind="feature",
            )  # fmt: skip

    def bar(
        self, x: float, y: float, wide: float, high: float, positive: bool, faint: bool
    ) -> Path:
        theme = self.page.theme
        return Path(
            rectangle(x, y, max(0.0, wide), max(0.0, high)),
            fill=theme.positive if positive else theme.negative,
            opacity=0.32 if faint else 1.0,
            kind="sum",
        )

    def column_sums(self) -> Iterator[Item]:
        """Two-sided bars: faint what speaks for and against, full what is left of it."""
        u, theme, says = self.page.unit, self.page.theme, self.says
        up = max((column.sums.plus for column in says.columns), default=0.0)
        down = max((-column.sums.minus for column in says.columns), default=0.0)
        tall = (self.bars - 2 * u) / max(1e-30, up + down)
        zero = self.head + 3 * u + up * tall
        thin = max(u, min(self.pitch - 2 * u, 14 * u))
        for x, column in zip(self.xs, says.columns, strict=True):
            sums = column.sums
            at = x + (self.pitch - thin) / 2
            for positive, high, faint in (
                (True, sums.plus, True),
                (False, -sums.minus, True),
                (sums.net > 0, abs(sums.net), False),
            ):
                if high > 0:
                    y = zero - high * tall if positive else zero
                    yield self.bar(at, y, thin, high * tall, positive, faint)
        line = polyline([(self.left, zero), (self.right, zero)])
        yield Path(line, stroke=theme.muted, width=0.8 * u, opacity=0.55, kind="zero")
        y = self.head + self.bars / 2
        yield self.text(self.left - 6 * u, y - 2 * u, "sum", anchor="end")

    def row_sums(self) -> Iterator[Item]:
        """The same for the tracks, to the right of the cells."""
        u, theme, says = self.page.unit, self.page.theme, self.says
        back = max((-row.sums.minus for row in says.rows), default=0.0)
        forth = max((row.sums.plus for row in says.rows), default=0.0)
        numbered = self.step >= SIZE * u
        beside = self.page.width - self.page.margin - self.right
        space = beside - (12 + (50 if numbered else 0)) * u
        long = space / max(1e-30, back + forth)
        zero = self.right + 8 * u + back * long
        high = max(u, min(self.step - u, 12 * u))
        for row, one in enumerate(says.rows):
            y = self.top + (row + 0.5) * self.step - high / 2
            for positive, wide, faint in (
                (True, one.sums.plus, True),
                (False, -one.sums.minus, True),
                (one.sums.net > 0, abs(one.sums.net), False),
            ):
                if wide > 0:
                    x = zero if positive else zero - wide * long
                    yield self.bar(x, y, wide * long, high, positive, faint)
            if numbered:
                yield self.text(
                    self.page.width - self.page.margin - 3 * u, y + high / 2,
                    signed(one.sums.net, 2), anchor="end", colour=theme.text, size=SIZE * u,
                )  # fmt: skip
        line = polyline([(zero, self.top), (zero, self.bottom)])
        yield Path(line, stroke=theme.muted, width=0.8 * u, opacity=0.55, kind="zero")

    def row_names(self) -> Iterator[Item]:
        """Number and momentum of the tracks, and what they are marked with."""
        u, theme, scene = self.page.unit, self.page.theme, self.scene
        number, momentum = self.left - 62 * u, self.left - 24 * u
        above = self.top - 8 * u
        yield self.text(number, above, "track", anchor="end")
        yield self.text(momentum, above, "GeV", anchor="end")
        crowd = max(1, math.ceil(SIZE * 0.9 * u / self.step))
        size = min(SIZE * u, max(7 * u, self.step * 1.05))
        for row, one in enumerate(self.says.rows):
            track, y = one.track, self.top + (row + 0.5) * self.step
            if track == self.view.track:
                frame = rectangle(
                    self.page.margin, y - self.step / 2, self.page.width - 2 * self.page.margin,
                    self.step, 2 * u,
                )  # fmt: skip
                yield Path(frame, stroke=theme.accent, width=1.2 * u, kind="alone")
            if self.view.marks and self.step >= 5 * u:
                sign = "μ" if scene.muon[track] else "e" if scene.electron[track] else ""
                if sign:
                    yield self.text(
                        self.left - 20 * u, y, sign, bold=True, colour=theme.text, size=size
                    )
            if self.view.marks and scene.displaced[track]:
                radius = min(3.2 * u, self.step / 2 - 0.4 * u)
                if radius > 0.6 * u:
                    yield _ring(self.left - 7 * u, y, radius, theme, u)
            if row % crowd:
                continue
            yield self.text(number, y, str(track), anchor="end", size=size)
            pt = significant(float(scene.pt[track]), 2)
            yield self.text(momentum, y, pt, anchor="end", colour=theme.text, size=size)

    def groups(self) -> Iterator[Item]:
        """Brackets below the cells, with the names of the groups."""
        u, theme = self.page.unit, self.page.theme
        y = self.bottom + 5 * u
        for group in self.says.groups:
            x0, x1 = self.xs[group.first], self.xs[group.last] + self.pitch
            line = [(x0, y), (x0, y + 4 * u), (x1 - u, y + 4 * u), (x1 - u, y)]
            yield Path(polyline(line), stroke=theme.muted, width=0.9 * u, opacity=0.6, kind="group")
            room = x1 - x0 + GAP * u
            for n, words in enumerate(_lines(group.name, SIZE * u, room)):
                yield self.text(
                    (x0 + x1) / 2, y + (10 + 12.9 * n) * u, words, anchor="middle", size=SIZE * u
                )  # fmt: skip

    def total(self) -> Iterator[Item]:
        """What all cells add up to."""
        u, theme, says = self.page.unit, self.page.theme, self.says
        ink = theme.text if says.adds_up else theme.warning
        x, y = self.page.width - self.page.margin - 3 * u, self.bottom + 11 * u
        words = f"{'Σ' if says.adds_up else '≠ Σ'} {signed(says.net, 3)}"
        yield self.text(x, y, words, anchor="end", size=14 * u, bold=True, colour=ink)
        yield self.text(x, y + 15 * u, "all tracks", anchor="end")
        foot, room = self.page.bottom - 8 * u, self.page.width - self.page.margin - self.left
        yield self.text(self.left, foot, fitting(says.sentence, SMALL * u, room))


def _ring(x: float, y: float, radius: float, theme: Theme, unit: float) -> Path:
    return Path(circle(x, y, radius), stroke=theme.text, width=unit, opacity=0.85, kind="ring")


def colouring(theme: Theme) -> Callable[[float], Channels]:
    """Colour of a relevance by its share of the largest, -1 to 1: the panel itself is its zero."""
    strong, weak, _, for_weak, for_strong = theme.diverging
    of = scale([strong, weak, theme.panel, for_weak, for_strong])
    return lambda share: of(0.5 + 0.5 * np.sign(share) * np.abs(share) ** GENTLE)


def _lines(name: str, size: float, room: float) -> list[str]:
    """A group's name in up to three lines, or a shorter one where these are too wide."""
    names = GROUPS.get(name, (name,))
    lines: list[str] = []
    for word in names[0].split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and measure(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) <= 3 and all(measure(line, size) <= room for line in lines):
        return lines
    return [next((short for short in names if measure(short, size) <= room), "")]
