"""The heat map: relevance of each track (row) through each feature (column), on paper and page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import numpy.typing as npt

from lrp_core.figures.arrangement import GROUPS, Arrangement, Array, Column, Row, arrange
from lrp_core.figures.colours import Channels, css, scale
from lrp_core.figures.drawing import (
    Command,
    Drawing,
    Gradient,
    Group,
    Item,
    Path,
    Text,
    circle,
    flat,
    polyline,
    rectangle,
)
from lrp_core.figures.headline import HEATMAP
from lrp_core.figures.heat_tips import cell_texts, column_part, total_part
from lrp_core.figures.numbers import signed, significant
from lrp_core.figures.part_words import track_part
from lrp_core.figures.picture import Panel, Picture, Shown
from lrp_core.figures.scene import Scene
from lrp_core.figures.sheet import Paper, sheet
from lrp_core.figures.theme import Theme
from lrp_core.figures.typeset import fitting, measure, wrapped
from lrp_core.figures.view import View

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation
    from lrp_core.jets import Jet

Box = tuple[float, float, float, float]  # left, top, width and height in px

TYPE = 13.0  # px of the page's type where a unit is 1 px
TALL = 340.0  # units of height from which on there is room for numbers and whole names
GAP = 5.0  # units between groups
TALLEST = 26.0  # units a row may be high
GENTLE = 0.5  # power of the colour scale: half the colour at a quarter of the relevance
SHADES = 128  # colours of either sign
DASHED_FROM = 1 / 16  # of the largest: what speaks against by more has a dash, if there is room
DASH = (0.3, 0.7)  # from where to where in a cell
ROOMY = (9.0, 8.0)  # units that a cell must be wide and high for its dash


def draw_heatmap(jet: Jet, explanation: Explanation, view: View, **paper: Unpack[Paper]) -> Drawing:
    """The heat map of a view, with heading and provenance; as ``draw_network``."""
    scene = Scene.of(jet, explanation)
    page = sheet(jet, explanation, view, HEATMAP, paper)
    u = page.unit
    wide, high = page.width - 2 * page.margin, page.bottom - page.top - 8 * u
    drawn = _HeatMap.within((page.margin, page.top + 4 * u, wide, high), u, page.theme, scene, view)
    return page.drawing("Heat map", list(flat((*drawn.items(), *drawn.alone()))))


def picture_heatmap(shown: Shown, view: View, panel: Panel, pinned: Shown | None = None) -> Picture:
    """The heat map for its panel on the page, which frames the isolated track itself.

    parts  a row by "track 3", a column by "feature track_pt", and "total"
    data   where the cells stand, and what each of them says; as docs/server.md describes it
    """
    del pinned  # its colours refer to the cells of this jet
    scene = Scene.of(*shown)
    unit, box = max(1.0, panel.font / TYPE), (0.0, 0.0, panel.width, panel.height)
    drawn = _HeatMap.within(box, unit, panel.theme, scene, view, crisp=True)
    says = drawn.says
    return Picture(
        "heatmap",
        panel.width,
        panel.height,
        tuple(drawn.items()),
        f"Heat map: relevance of {len(says.rows)} of {says.n_tracks} tracks through "
        f"{len(says.columns)} features. {says.sentence} Arrow keys read it cell by cell, Enter "
        "leaves one track in the scene, or sorts by the feature above the first row.",
        {
            "total": total_part(says),
            **{f"track {one.track}": track_part(scene, one.track) for one in says.rows},
            **{f"feature {one.name}": column_part(scene, says, one) for one in says.columns},
        },
        data=drawn.where() | cell_texts(scene, says),
    )


@dataclass(frozen=True, eq=False)
class _HeatMap:
    """Where everything stands, in px.

    unit      px for one of the page's; tall: there is room for numbers and whole names
    crisp     drawn in whole pixels, so that narrow cells have no seams between them
    size      of type; ``small`` and ``letters`` are those of captions and of the features' names
    xs        left edges of the columns; ``pitch`` is how wide one is, ``step`` how high a row is
    slant     of the names, in radians; ``names`` holds "" where one would lie over another
    head      lower end of the names; below are ``bars`` px for the sums of the columns
    top, left, right   of the cells
    """

    theme: Theme
    scene: Scene
    view: View
    says: Arrangement
    box: Box
    unit: float
    crisp: bool
    tall: bool
    size: float
    small: float
    letters: float
    xs: tuple[float, ...]
    pitch: float
    step: float
    slant: float
    names: tuple[str, ...]
    head: float
    bars: float
    top: float
    left: float
    right: float

    @classmethod
    def within(
        cls, box: Box, unit: float, theme: Theme, scene: Scene, view: View, *, crisp: bool = False
    ) -> _HeatMap:
        """The heat map of a view in a box."""
        says, u = arrange(scene, view), unit
        x0, y0, width, height = box
        tall = height >= TALL * u
        size, small = (11.5 * u, 11 * u) if tall else (10.5 * u, 10 * u)
        least, most = (98 * u, 150 * u) if tall else (52 * u, 96 * u)
        left = x0 + (98 if tall else 88) * u
        right = x0 + width - max(least, min(most, 0.11 * width))
        gaps = GAP * u * (len(says.groups) - 1)
        pitch = max(0.1 * u, (right - left - gaps) / max(1, len(says.columns)))
        letters = max(8.5 * u, min(size, pitch * 1.06))
        slant = max(0.72, math.asin(min(1.0, letters * 1.08 / max(pitch, 1.0))))
        reach = (max(58 * u, (0.3 if tall else 0.25) * height) - 6 * u) / math.sin(slant)
        names = [
            column.title
            if tall and measure(column.title, letters) <= reach
            else fitting(column.short, letters, reach)
            for column in says.columns
        ]
        longest = max((measure(name, letters) for name in names), default=0.0)
        head = y0 + max((52 if tall else 34) * u, longest * math.sin(slant) + 6 * u)
        bars = min(84 * u, 0.13 * height) if tall else max(20 * u, 0.12 * height)
        top = head + bars + 5 * u
        room = y0 + height - (48 if tall else 19) * u - top
        xs, x = [], left
        for at, column in enumerate(says.columns):
            if at and says.columns[at - 1].group != column.group:
                x += GAP * u
            xs.append(x)
            x += pitch
        stands = _standing(says, xs, letters * 1.05 / math.sin(slant))
        return cls(
            theme, scene, view, says, box, u, crisp, tall, size, small, letters, tuple(xs), pitch,
            step=min(TALLEST * u, max(u, room / max(1, len(says.rows)))), slant=slant,
            names=tuple(name if at in stands else "" for at, name in enumerate(names)),
            head=head, bars=bars, top=top, left=left, right=right,
        )  # fmt: skip

    @property
    def bottom(self) -> float:
        """Lower end of the cells."""
        return self.top + self.step * len(self.says.rows)

    @property
    def edge(self) -> float:
        """Right end of the numbers."""
        return self.box[0] + self.box[2] - 3 * self.unit

    def middle(self, row: int) -> float:
        """Of a row."""
        return self.top + (row + 0.5) * self.step

    def where(self) -> dict[str, Any]:
        """Where the page finds rows and columns, in px."""
        places = {"pitch": self.pitch, "step": self.step, "head": self.head, "top": self.top}
        places |= {"bottom": self.bottom, "left": self.left, "right": self.right}
        number, momentum = self.label_places
        places |= {"number": number, "momentum": momentum, "size": self.size}
        rounded = {name: round(value, 2) for name, value in places.items()}
        return rounded | {"xs": [round(x, 2) for x in self.xs]}

    def items(self) -> Iterator[Item | Group]:
        """All but the frame of the isolated track."""
        yield Group(tuple(self.cells()), "cells", hidden=True)
        yield from self.scale()
        yield from self.column_names()
        yield from self.column_sums()
        yield from self.row_sums()
        yield from self.row_names()
        yield from self.groups()
        yield from self.total()

    def text(self, x: float, y: float, words: str, **more: Any) -> Text:
        """A small text whose middle is at y."""
        usual = {"size": self.small, "colour": self.theme.muted, "centred": True}
        return Text(x, y, words, **{**usual, **more})

    def cells(self) -> Iterator[Item]:
        """The cells, on a ground that shows how far each group goes; one path for each colour."""
        u, says, theme = self.unit, self.says, self.theme
        for group in says.groups:
            x = self.xs[group.first]
            wide = self.xs[group.last] + self.pitch - x
            ground = rectangle(x, self.top, wide, self.bottom - self.top)
            yield Path(ground, fill=theme.page, opacity=0.5, kind="ground")
        seam = min(u, 0.12 * self.step, 0.12 * self.pitch)
        if self.crisp:
            seam = max(1.0, round(u)) if self.pitch > 7 * u and self.step > 6 * u else 0.0
        wide, high = self.pitch - seam, self.step - seam
        shades = np.rint(SHADES * gentle(says.shares)).astype(np.int64)
        of = scale(ramp(theme))
        for shade in np.unique(shades[shades != 0]).tolist():
            places = np.argwhere(shades == shade).tolist()
            yield Path(
                self.dashes(places, (0.0, wide / self.pitch), high / 2), kind="cell",
                stroke=css(of(0.5 + 0.5 * shade / SHADES)), width=high,
            )  # fmt: skip
        if self.pitch > ROOMY[0] * u and self.step > ROOMY[1] * u:
            dashed = np.argwhere(against(says.shares)).tolist()
            dash = tuple(share * wide / self.pitch for share in DASH)
            thick = max(1.0, round(u)) if self.crisp else 1.1 * u
            lines = self.dashes(dashed, (dash[0], dash[1]), high / 2)
            yield Path(lines, stroke=theme.panel, width=thick, kind="dash")

    def dashes(
        self, places: Iterable[Sequence[int]], part: tuple[float, float], below: float
    ) -> tuple[Command, ...]:
        """Lines across a part of some cells [row, column], so far below their upper ends."""
        x0, x1 = part[0] * self.pitch, part[1] * self.pitch
        commands: list[Command] = []
        for row, column in places:
            x, y = self.xs[column], self.top + row * self.step + below
            commands += (("M", (x + x0, y)), ("L", (x + x1, y)))
        return tuple(commands)

    def scale(self) -> Iterator[Item]:
        """What a colour means, above the tracks."""
        u, theme, most = self.unit, self.theme, self.says.most
        low, top = signed(-most, 2), signed(most, 2)
        words = measure(low, self.small) + measure(top, self.small) + 8 * u
        x, high = self.box[0] + 4 * u, (9 if self.tall else 7) * u
        y, wide = self.box[1] + (20 if self.tall else 14) * u, self.left - self.box[0] - 14 * u
        wide, near = max(wide, words), 0.73 * self.small
        of = colouring(theme)
        stops = tuple((n / 16, css(of(2 * n / 16 - 1))) for n in range(17))
        paint = Gradient((x, y), (x + wide, y), stops)
        bar = rectangle(x, y, wide, high, 2 * u)
        yield Path(bar, fill=paint, stroke=theme.line, width=0.8 * u, kind="legend")
        yield self.text(x, y - near, "− against", colour=theme.negative)
        yield self.text(x + wide, y - near, "for +", colour=theme.positive, anchor="end")
        yield self.text(x, y + high + near, low)
        yield self.text(x + wide, y + high + near, top, anchor="end")

    def column_names(self) -> Iterator[Item]:
        """The features, slanted."""
        theme, says = self.theme, self.says
        for at, name in enumerate(self.names):
            if name:
                x = self.xs[at] + self.pitch / 2 + self.letters * 0.34 * math.sin(self.slant)
                sorted_by = says.columns[at] is says.by
                yield Text(
                    x, self.head - 1, name, self.letters,
                    theme.accent if sorted_by else theme.text, bold=sorted_by,
                    degrees=-math.degrees(self.slant), data=(("column", str(at)),),
                    kind="feature sorted" if sorted_by else "feature",
                )  # fmt: skip

    def column_sums(self) -> Iterator[Item]:
        """Two-sided bars: faint what speaks for and against, full what is left of it."""
        u, says = self.unit, self.says
        up = max((column.sums.plus for column in says.columns), default=0.0)
        down = max((-column.sums.minus for column in says.columns), default=0.0)
        tall = (self.bars - 2 * u) / max(1e-30, up + down)
        zero = self.head + 3 * u + up * tall
        thick = max(u, min(self.pitch - 2 * u, 14 * u))
        middles = [x + self.pitch / 2 for x in self.xs]
        for ink, faint, lines in self.sums(says.columns):
            commands: list[Command] = []
            for at, value in lines:
                x = middles[at]
                commands += (("M", (x, zero)), ("L", (x, zero - value * tall)))
            yield _bars(commands, ink, thick, faint)
        line = polyline([(self.left, zero), (self.right, zero)])
        yield Path(line, stroke=self.theme.muted, width=0.8 * u, opacity=0.55, kind="zero")
        y = self.head + self.bars / 2
        yield self.text(self.left - 6 * u, y - 2 * u, "sum", anchor="end")

    def row_sums(self) -> Iterator[Item]:
        """The same for the tracks, to the right of the cells."""
        u, says = self.unit, self.says
        back = max((-row.sums.minus for row in says.rows), default=0.0)
        forth = max((row.sums.plus for row in says.rows), default=0.0)
        numbered = self.tall and self.step >= self.size
        space = self.edge + 3 * u - self.right - (12 + (50 if numbered else 0)) * u
        long = space / max(1e-30, back + forth)
        zero = self.right + 8 * u + back * long
        thick = max(u, min(self.step - u, 12 * u))
        for ink, faint, lines in self.sums(says.rows):
            commands: list[Command] = []
            for row, value in lines:
                y = self.middle(row)
                commands += (("M", (zero, y)), ("L", (zero + value * long, y)))
            yield _bars(commands, ink, thick, faint)
        if numbered:
            for row, one in enumerate(says.rows):
                yield self.text(
                    self.edge, self.middle(row), signed(one.sums.net, 2), anchor="end",
                    colour=self.theme.text, size=self.size,
                )  # fmt: skip
        line = polyline([(zero, self.top), (zero, self.bottom)])
        yield Path(line, stroke=self.theme.muted, width=0.8 * u, opacity=0.55, kind="zero")

    def sums(
        self, several: Sequence[Column | Row]
    ) -> Iterator[tuple[str, bool, list[tuple[int, float]]]]:
        """What is drawn alike of the sums: colour, whether faint, and [place, value]."""
        theme, all_sums = self.theme, [one.sums for one in several]
        positive, negative = theme.positive, theme.negative
        for ink, faint, values in (
            (positive, True, [sums.plus for sums in all_sums]),
            (negative, True, [sums.minus for sums in all_sums]),
            (positive, False, [max(0.0, sums.net) for sums in all_sums]),
            (negative, False, [min(0.0, sums.net) for sums in all_sums]),
        ):
            lines = [(at, value) for at, value in enumerate(values) if value]
            if lines:
                yield ink, faint, lines

    @property
    def label_places(self) -> tuple[float, float]:
        """Where number and momentum of a track end."""
        return self.left - 62 * self.unit, self.left - 24 * self.unit

    def row_names(self) -> Iterator[Item]:
        """Number and momentum of the tracks, and what they are marked with."""
        u, theme, scene = self.unit, self.theme, self.scene
        (number, momentum), above = self.label_places, self.top - 8 * u
        yield self.text(number, above, "track", anchor="end")
        yield self.text(momentum, above, "GeV", anchor="end")
        crowd = max(1, math.ceil(self.size * 0.9 / self.step))
        for row, one in enumerate(self.says.rows):
            track, y = one.track, self.middle(row)
            if self.view.marks and self.step >= 5 * u:
                sign = "μ" if scene.muon[track] else "e" if scene.electron[track] else ""
                if sign:
                    x, ink = self.left - 20 * u, theme.text
                    yield self.text(x, y, sign, bold=True, colour=ink, size=self.size, kind="mark")
            if self.view.marks and scene.displaced[track]:
                radius = min(3.2 * u, self.step / 2 - 0.4 * u)
                if radius > 0.6 * u:
                    ring = circle(self.left - 7 * u, y, radius)
                    yield Path(ring, stroke=theme.text, width=u, opacity=0.85, kind="ring")
            if row % crowd:
                continue
            size = self.size
            yield self.text(number, y, str(track), anchor="end", size=size, kind="row")
            pt = significant(float(scene.pt[track]), 2)
            yield self.text(momentum, y, pt, anchor="end", colour=theme.text, size=size)

    def alone(self) -> Iterator[Item]:
        """A frame around the isolated track."""
        x, _, width, _ = self.box
        for row, one in enumerate(self.says.rows):
            if one.track == self.view.track:
                y = self.top + row * self.step
                frame = rectangle(x, y, width, self.step, 2 * self.unit)
                ink = self.theme.accent
                yield Path(frame, stroke=ink, width=1.2 * self.unit, kind="alone")

    def groups(self) -> Iterator[Item]:
        """Brackets below the cells, with the names of the groups."""
        u, theme = self.unit, self.theme
        y = self.bottom + 2 * u
        for group in self.says.groups:
            x0, x1 = self.xs[group.first], self.xs[group.last] + self.pitch
            line = [(x0, y), (x0, y + 3 * u), (x1 - u, y + 3 * u), (x1 - u, y)]
            yield Path(polyline(line), stroke=theme.muted, width=0.9 * u, opacity=0.6, kind="group")
            room = x1 - x0 + GAP * u
            for n, words in enumerate(_lines(group.name, self.size, room, 3 if self.tall else 1)):
                below = y + 12 * u + 1.12 * n * self.size
                middle = (x0 + x1) / 2
                yield self.text(middle, below, words, anchor="middle", size=self.size)

    def total(self) -> Iterator[Item]:
        """What all cells add up to."""
        u, theme, says = self.unit, self.theme, self.says
        ink = theme.text if says.adds_up else theme.warning
        y, size = self.bottom + (11 if self.tall else 9) * u, (14 if self.tall else 12) * u
        words = f"{'Σ' if says.adds_up else '≠ Σ'} {signed(says.net, 3)}"
        yield self.text(
            self.edge, y, words, anchor="end", size=size, bold=True, colour=ink, kind="total"
        )
        if self.tall:
            yield self.text(self.edge, y + 15 * u, "all tracks", anchor="end")
            foot = self.box[1] + self.box[3] - 8 * u
            words = fitting(says.sentence, self.small, self.edge - self.left)
            yield self.text(self.left, foot, words)


def gentle(share: npt.ArrayLike) -> Array:
    """How strong the colour of a relevance is, -1 to 1, by its share of the largest."""
    shares = np.asarray(share, dtype=np.float64)
    return np.sign(shares) * np.abs(shares) ** GENTLE


def against(shares: Array) -> npt.NDArray[np.bool_]:
    """Which cells have a dash, as they speak strongly against: so not colour alone says it."""
    return shares < -DASHED_FROM


def ramp(theme: Theme) -> list[str]:
    """The colours from the most against to the most for: the panel itself is the zero."""
    strong, weak, _, for_weak, for_strong = theme.diverging
    return [strong, weak, theme.panel, for_weak, for_strong]


def colouring(theme: Theme) -> Callable[[float], Channels]:
    """Colour of a relevance by its share of the largest, -1 to 1."""
    of = scale(ramp(theme))
    return lambda share: of(0.5 + 0.5 * gentle(share))


def _standing(says: Arrangement, xs: Sequence[float], apart: float) -> set[int]:
    """The columns whose names stand: where they would overlap, those that count most do."""
    standing: set[int] = set()
    columns = says.columns
    for at in sorted(range(len(columns)), key=lambda at: -columns[at].sums.strength):
        near = any(abs(xs[other] - xs[at]) < apart for other in standing)
        if not near or columns[at] is says.by:
            standing.add(at)
    return standing


def _bars(commands: list[Command], ink: str, thick: float, faint: bool) -> Path:
    return Path(
        tuple(commands), stroke=ink, width=thick, opacity=0.32 if faint else 1.0, kind="sum"
    )


def _lines(name: str, size: float, room: float, most: int) -> list[str]:
    """A group's name in at most so many lines, or a shorter one where these are too wide."""
    names = GROUPS.get(name, (name,))
    lines = wrapped(names[0], size, room)
    if len(lines) <= most and all(measure(line, size) <= room for line in lines):
        return lines
    return [next((short for short in names if measure(short, size) <= room), "")]
