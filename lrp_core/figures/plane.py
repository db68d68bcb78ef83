"""The jet seen along its axis: the network in the plane of two axes, as a figure and in a panel.

Usually the two angles to the jet axis. What stands where, curves, widths and colours are those of
the network plot; a figure draws what its view selects, a panel holds all that may be selected.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Unpack

import numpy as np
import numpy.typing as npt

from lrp_core.figures import geometry
from lrp_core.figures.colours import channels, css, hexes, mix
from lrp_core.figures.drawing import (
    Anchor,
    Command,
    Data,
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
from lrp_core.figures.geometry import Frame, Whole
from lrp_core.figures.headline import edges_words
from lrp_core.figures.legend_column import ROW, WIDE, draw_legend
from lrp_core.figures.marks import BALL, LINE, track_mark
from lrp_core.figures.network import (
    DIM,
    EDGE,
    check_view,
    dimmed,
    hadron_colour,
    track_look,
)
from lrp_core.figures.picture import Panel, Picture, Shown, packed
from lrp_core.figures.plot import spoken
from lrp_core.figures.sheet import SIDE, Paper, sheet
from lrp_core.figures.stage import Stage
from lrp_core.figures.theme import Theme
from lrp_core.figures.typeset import measure
from lrp_core.figures.view import View

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation
    from lrp_core.jets import Jet

Array = npt.NDArray[np.float64]

RINGS = (0.4, 0.8)  # ΔR around the jet axis
WIDEST = 2.3  # width over height that the plane of the two angles has at most
TYPE = 13.0  # px of a panel's type at which sizes of type are as they are given here
TICK, TITLE, RING, LEPTON, NAME = 11.0, 12.0, 10.0, 14.0, 13.0  # px of type
NARROW = 320.0  # px: a panel that is narrower has smaller type
SMALL = 300.0  # px: a panel that is narrower or lower has less room for the words of its axes
LONG_TICK = "−0.025"  # as long as one of an angle gets
APART = 44.0  # px between ticks
MARK = 7.0  # px from the middle of a direction's mark to its ends
# Where a name stands beside its mark, the best first: right (1), left or amid; below (1) or above.
PLACES = ((1, -1), (-1, -1), (1, 1), (-1, 1), (0, -1), (0, 1), (1, 0), (-1, 0))
ROUNDS = 4  # in which names of directions are moved out of each other's way
CHOSEN = 9.0  # px of the edge whose card is open


class Box(NamedTuple):
    """A rectangle in px, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, x: float, y: float, width: float, height: float) -> Box:
        """The one whose middle is (x, y)."""
        return cls(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def shared(self, other: Box) -> float:
        """The area in both, in px²."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, across) * max(0.0, down)


def draw_plane(
    jet: Jet,
    explanation: Explanation,
    view: View,
    *,
    pinned: Shown | None = None,
    **paper: Unpack[Paper],
) -> Drawing:
    """The plane of a view, with heading, legend and provenance; as ``draw_network``.

    Raises FigureError if the explanation is not that of the jet, or the view asks for what the jet
    has not got.
    """
    stage = Stage.of(Shown(jet, explanation), view, pinned)
    scene, view, scales = stage.scene, stage.view, stage.scales
    check_view(scene, view)
    minus = None if scene.difference is None else scene.difference[1].explanation
    page = sheet(jet, explanation, view, edges_words(scene, view), paper, minus=minus)
    u, top, right = page.unit, page.top, page.width - EDGE * page.unit
    if page.upright:
        floor = page.bottom - ROW * u
        room = Box(EDGE * u, top, right, floor)
        box = (SIDE * u, floor, page.width - 2 * SIDE * u, ROW * u)
    else:
        left = right - (WIDE + 6) * u
        room = Box(EDGE * u, top, left - EDGE * u, page.bottom)
        box = (left, top + 8 * u, WIDE * u, page.bottom - top - 8 * u)
    plane = _Plane.of(stage, page.theme, room, u, ball=BALL * u, line=LINE * u)
    items: list[Item] = list(flat(plane.items(plane.selected())))
    items += draw_legend(scene, view, page.theme, scales, u, box, beside=not page.upright)
    title = "η–φ plane" if plane.where.angles else "Plane of two axes"
    return page.drawing(title if minus is None else f"Difference, {title}", items)


def picture_plane(shown: Shown, view: View, panel: Panel, pinned: Shown | None = None) -> Picture:
    """The plane for its panel on the page, with all edges that may be shown.

    They are the MAX_STRONG most significant ones, or where the view looks at one track those of
    this track; and the chosen edge. Which of them are shown is selected on the page: every edge
    says its number in the graph, every track its own.

    facts  says: what a screen reader says, as ``spoken``
    data   edges [n]: numbers in the graph, the most significant first; curves [n, 3, 2]: their
           quadratic Bézier curves, widths [n]; places [n_tracks, 2] and radii [n_tracks];
           directions: (kind, number, x, y) each. All in px.

    Raises FigureError as ``Stage.of``.
    """
    stage = Stage.of(shown, view, pinned)
    unit = panel.font / TYPE * (0.8 if panel.width < NARROW else 1.0)
    room = Box(0.0, 0.0, panel.width, panel.height)
    plane = _Plane.of(stage, panel.theme, room, unit)
    edges = plane.selectable()
    x, y = (plane.where.axes[side].title for side in ("x", "y"))
    says = spoken(shown, f"in the plane of {x} and {y}")
    return Picture(
        "plane",
        panel.width,
        panel.height,
        tuple(plane.items(edges, live=True)),
        f"The plane of {x} and {y}",
        facts={"says": says},
        data={
            "edges": packed(edges, "uint32"),
            "curves": packed(plane.bends(edges), "float32"),
            "widths": packed(plane.widths(edges), "float32"),
            "places": packed(plane.places, "float32"),
            "radii": packed(plane.radii, "float32"),
            "directions": [(one.kind, one.number, one.x, one.y) for one in plane.directions],
        },
    )


# ---------------------------------------------------------------------- where


@dataclass(frozen=True, eq=False)
class Area:
    """Where two axes stand: a box, and the values [2] at its lower left and upper right corners."""

    box: Box
    low: Array
    high: Array

    @property
    def unit(self) -> float:
        """px of one along the x axis."""
        return self.box.width / float(self.high[0] - self.low[0] or 1)

    def px(self, points: npt.ArrayLike) -> Array:
        """Points [..., 2 or 3] in the units of the axes as px [..., 2]."""
        span = np.where(self.high == self.low, 1.0, self.high - self.low)
        share = (np.asarray(points, dtype=np.float64)[..., :2] - self.low) / span
        size = np.array([self.box.width, -self.box.height])
        px: Array = np.array([self.box.left, self.box.bottom]) + share * size
        return px


def area_of(where: Frame, directions: Array, room: Box, unit: float) -> Area:
    """Where the axes stand in a room.

    Of two angles both have the same scale, so that a circle is one, with the jet axis in the middle
    and all tracks and directions [n, 2] in sight.
    """
    small = min(room.width, room.height) < SMALL * unit
    ticks = [LONG_TICK] if where.angles else where.axes["y"].ticktext
    words = max((measure(text, TICK * unit) for text in ticks), default=0.0)
    left = room.left + max((44 if small else 54) * unit, words + 24 * unit)
    top, bottom = room.top + 10 * unit, room.bottom - (34 if small else 42) * unit
    high = max(20.0, bottom - top)
    across = max(20.0, room.right - 12 * unit - left)
    wide = min(across, WIDEST * high) if where.angles else across
    left += (across - wide) / 2
    box = Box(left, top, left + wide, top + high)
    if not where.angles:
        return Area(box, where.low[:2], where.high[:2])
    seen = np.abs(np.concatenate([where.points[:, :2], directions]))
    reach = 1.1 * np.maximum(0.05, seen.max(axis=0))
    size = np.array([wide, high])
    ends = size / (size / reach).min()
    return Area(box, -ends, ends)


class Direction(NamedTuple):
    """A subjet ("subjet") or b-hadron ("b-hadron") in px, and the box of its name."""

    kind: str
    number: int
    x: float
    y: float
    name: Box

    @property
    def text(self) -> str:
        return f"{self.kind[0] if self.kind == 'b-hadron' else 'j'}_{self.number}"


def named(
    marks: Sequence[tuple[float, float]], widths: Sequence[float], frame: Box, unit: float = 1.0
) -> list[Box]:
    """The boxes in which the names of marks stand, each as wide as its name.

    Each is beside its own mark, where it covers no other name, stays in the frame if it can, and
    covers little of the other marks.
    """
    high, reach = (NAME + 2) * unit, MARK * unit
    points = [Box.around(x, y, 2 * reach, 2 * reach) for x, y in marks]
    names: list[Box | None] = [None] * len(marks)
    for _ in range(ROUNDS):  # those before make room for those after
        for own, ((x, y), wide) in enumerate(zip(marks, widths, strict=True)):
            boxes = [
                Box.around(
                    x + side * (reach + unit + wide / 2),
                    y + way * ((2 * unit if side else reach + 2 * unit) + high / 2),
                    wide,
                    high,
                )
                for side, way in PLACES
            ]
            others = [name for at, name in enumerate(names) if name is not None and at != own]
            beside = [point for at, point in enumerate(points) if at != own]
            costs = [
                round(
                    10 * (wide * high - box.shared(frame))
                    + sum(10_000 * box.shared(name) for name in others)
                    + sum(box.shared(point) for point in beside)
                )
                for box in boxes
            ]
            names[own] = boxes[costs.index(min(costs))]
    return [name for name in names if name is not None]


def arcs(x: float, y: float, radius: float, frame: Box) -> tuple[Command, ...]:
    """What of a circle is in a frame, as curves."""
    ends = [0.0, 2 * math.pi]
    for side, middle, turn in (
        (frame.left, x, math.acos), (frame.right, x, math.acos),
        (frame.top, y, math.asin), (frame.bottom, y, math.asin),
    ):  # fmt: skip
        share = (side - middle) / radius
        if abs(share) < 1:
            first = turn(share)
            ends += [first % (2 * math.pi), (-first if turn is math.acos else math.pi - first)
                     % (2 * math.pi)]  # fmt: skip
    ends.sort()
    commands: list[Command] = []
    for start, stop in itertools.pairwise(ends):
        amid = (start + stop) / 2
        px, py = x + radius * math.cos(amid), y + radius * math.sin(amid)
        inside = frame.left <= px <= frame.right and frame.top <= py <= frame.bottom
        if inside and stop - start > 1e-9:
            commands += _arc(x, y, radius, start, stop)
    return tuple(commands)


def _arc(x: float, y: float, radius: float, start: float, stop: float) -> Iterator[Command]:
    """An arc in pieces of at most a quarter of a circle."""
    pieces = math.ceil((stop - start) / (math.pi / 2) - 1e-9)
    step = (stop - start) / pieces
    k = 4 / 3 * math.tan(step / 4) * radius
    for n in range(pieces):
        a, b = start + n * step, start + (n + 1) * step
        ax, ay = x + radius * math.cos(a), y + radius * math.sin(a)
        bx, by = x + radius * math.cos(b), y + radius * math.sin(b)
        if n == 0:
            yield "M", (ax, ay)
        yield "C", (
            ax - k * math.sin(a), ay + k * math.cos(a), bx + k * math.sin(b),
            by - k * math.cos(b), bx, by,
        )  # fmt: skip


# -------------------------------------------------------------------- drawing


@dataclass(frozen=True, eq=False)
class _Plane:
    """A scene in an area of px.

    unit  px of one px of type
    ball  px of one px of a track's diameter; line: of an edge's width
    """

    stage: Stage
    theme: Theme
    where: Frame
    area: Area
    room: Box
    unit: float
    ball: float
    line: float
    directions: tuple[Direction, ...]

    @classmethod
    def of(
        cls,
        stage: Stage,
        theme: Theme,
        room: Box,
        unit: float,
        *,
        ball: float | None = None,
        line: float | None = None,
    ) -> _Plane:
        """Ball and line: as small as the room makes them, where they are not given."""
        # how far a curve bends depends on the third axis, which is not seen here
        where = geometry.frame(stage.scene, replace(stage.view, z=geometry.AXES["z"]))
        found = [("subjet", one) for one in stage.scene.subjets]
        found += [("b-hadron", one) for one in stage.scene.b_hadrons]
        places = np.array([[one.etarel, one.phirel] for _, one in found]).reshape(-1, 2)
        area = area_of(where, places, room, unit)
        zoom = max(0.72, min(1.1, min(area.box.width, area.box.height) / 420))
        directions: tuple[Direction, ...] = ()
        if where.angles:
            marks = [(float(x), float(y)) for x, y in area.px(places).tolist()]
            texts = [f"{'j' if kind == 'subjet' else 'b'}_{one.number}" for kind, one in found]
            widths = [measure(text, NAME * unit, bold=True) + 1 for text in texts]
            names = named(marks, widths, area.box, unit)
            directions = tuple(
                Direction(kind, one.number, *mark, name)
                for (kind, one), mark, name in zip(found, marks, names, strict=True)
            )
        return cls(
            stage, theme, where, area, room, unit,
            zoom if ball is None else ball, zoom if line is None else line, directions,
        )  # fmt: skip

    # ------------------------------------------------------------- selections

    def selectable(self) -> Whole:
        """All edges that may be shown, the most significant first; the chosen one at the end."""
        scene, view = self.stage.scene, self.stage.view
        edges = geometry.considered(scene, replace(view, ways="both"))[: geometry.MAX_STRONG]
        if view.edge is not None and view.edge < scene.n_edges and view.edge not in edges:
            edges = np.append(edges, view.edge)
        return edges

    def selected(self) -> Whole:
        """The edges that the view shows as curves, the most significant first."""
        order = geometry.considered(self.stage.scene, self.stage.view)
        return order[: geometry.shown_edges(self.stage.scene, self.stage.view, order)]

    # ---------------------------------------------------------- what is where

    @property
    def places(self) -> Array:
        """Where the tracks stand, [n_tracks, 2]."""
        return self.area.px(self.where.points)

    @property
    def radii(self) -> Array:
        """Of the tracks, [n_tracks]."""
        return geometry.sizes(self.stage.scene, self.stage.view, self.stage.scales) * self.ball / 2

    def bends(self, edges: Whole) -> Array:
        """Quadratic Bézier curves: source, what draws it aside, destination, [n, 3, 2]."""
        scene = self.stage.scene
        points = geometry.curves(self.where, scene.source[edges], scene.destination[edges])
        start, middle, end = (self.area.px(points[:, at]) for at in (0, geometry.SEGMENTS // 2, -1))
        return np.stack([start, 2 * middle - (start + end) / 2, end], axis=1)

    def bins(self, edges: Whole) -> Whole:
        """Those of the edges' significances, [n]."""
        most = self.stage.scales.significance
        share = self.stage.scene.significance[edges] / most if most > 0 else np.zeros(len(edges))
        return geometry.bin_of(share)

    def widths(self, edges: Whole) -> Array:
        """Of the edges, [n]."""
        return geometry.width_of((self.bins(edges) + 0.5) / geometry.BINS) * self.line

    # ------------------------------------------------------------------ items

    def items(self, edges: Whole, *, live: bool = False) -> Iterator[Item | Group]:
        """Everything with some edges as curves.

        live  on the page, which selects tracks, faint lines and the chosen edge; else as the view
              has them
        """
        yield Group(tuple(self.axes()), "axes", hidden=True)
        if self.where.angles:
            yield Group(tuple(self.rings()), "distances", hidden=True)
        if live:
            yield Path((), stroke=self.theme.rest, kind="rest", live=True)
        else:
            yield from self.rest(edges)
        yield Group(tuple(self.edges(edges)), "edges", hidden=True)
        chosen = self.stage.view.edge
        if live:
            yield self.chosen((), live=True)
        elif chosen is not None:
            yield self.chosen(_curve(self.bends(np.array([chosen]))[0]))
        yield Group(tuple(self.tracks(live=live)), "tracks", hidden=True)
        yield Group(tuple(self.names()), "directions", hidden=True)

    def axes(self) -> Iterator[Item]:
        theme, u, box = self.theme, self.unit, self.area.box
        small = min(self.room.width, self.room.height) < SMALL * u
        widest = 0.0
        for value, text in self.ticks(0, box.width):
            x = float(self.area.px([value, 0])[0])
            line = polyline([(x, box.top), (x, box.bottom)])
            yield Path(line, stroke=theme.grid, width=u, opacity=0.55, kind="grid")
            yield Text(x, box.bottom + 13 * u, text, TICK * u, theme.muted, "middle", kind="tick")
        for value, text in self.ticks(1, box.height):
            y = float(self.area.px([0, value])[1])
            line = polyline([(box.left, y), (box.right, y)])
            yield Path(line, stroke=theme.grid, width=u, opacity=0.55, kind="grid")
            widest = max(widest, measure(text, TICK * u))
            yield Text(box.left - 5 * u, y, text, TICK * u, theme.muted, "end", centred=True,
                       kind="tick")  # fmt: skip
        frame = rectangle(box.left, box.top, box.width, box.height)
        yield Path(frame, stroke=theme.grid, width=u, kind="axis")
        across, up = (self.where.axes[side].title.replace("  ", " ") for side in ("x", "y"))
        below = box.bottom + (28 if small else 36) * u
        yield Text((box.left + box.right) / 2, below, across, TITLE * u, theme.text, "middle",
                   kind="title")  # fmt: skip
        beside = box.left - max((32 if small else 40) * u, widest + 13 * u)
        yield Text(beside, (box.top + box.bottom) / 2, up, TITLE * u, theme.text, "middle",
                   degrees=-90.0, kind="title")  # fmt: skip

    def ticks(self, along: int, length: float) -> Iterator[tuple[float, str]]:
        """Values and texts of an axis (0: x, 1: y) that is so many px long."""
        low, high = float(self.area.low[along]), float(self.area.high[along])
        if self.where.angles:
            count = max(1, int(length / (APART * self.unit)))
            for value in geometry.ticks_between(low, high, count):
                if low <= value <= high:
                    yield value, geometry.tick_text(value)
            return
        axis = self.where.axes["xy"[along]]  # type: ignore[index]
        for value, text in zip(axis.tickvals, axis.ticktext, strict=True):
            if low <= value <= high:
                yield value, text

    def rings(self) -> Iterator[Item]:
        """The jet axis, and how far 0.4 and 0.8 are."""
        theme, u, box = self.theme, self.unit, self.area.box
        x, y = self.area.px([0.0, 0.0]).tolist()
        for delta in RINGS:
            radius = delta * self.area.unit
            inside = arcs(x, y, radius, box)
            if not inside:
                continue
            yield Path(inside, stroke=theme.muted, width=u, opacity=0.45, kind="distance")
            words, size = f"ΔR {delta}", RING * u
            left, base = x + radius * math.sqrt(0.5) + 3 * u, y - radius * math.sqrt(0.5) - 2 * u
            wide = measure(words, size)
            if left + wide < box.right and base - size > box.top:
                yield Text(left, base, words, size, theme.muted, kind="distance")
        cross = (("M", (x - 9 * u, y)), ("L", (x + 9 * u, y)),
                 ("M", (x, y - 9 * u)), ("L", (x, y + 9 * u)))  # fmt: skip
        yield Path(cross, stroke=theme.muted, width=1.5 * u, kind="jet-axis")

    def rest(self, edges: Whole) -> Iterator[Item]:
        """The edges that the view considers behind those that it shows as curves."""
        scene = self.stage.scene
        order = geometry.considered(scene, self.stage.view)
        rest = geometry.rest_edges(scene, order, self.where, len(edges))
        for ends in self.area.px(rest.points):
            yield Path(polyline(ends), stroke=self.theme.rest, width=self.unit,
                       opacity=rest.opacity, kind="rest")  # fmt: skip

    def edges(self, edges: Whole) -> Iterator[Item]:
        """Curves, the weakest first, so that the strongest are on top."""
        stage, theme = self.stage, self.theme
        bends, widths, bins = self.bends(edges), self.widths(edges), self.bins(edges)
        full = geometry.edge_colours(stage.scene, stage.view, theme, stage.scales, edges)
        dull = mix(channels(theme.panel), full, geometry.SOURCE_SHADE)
        ends, starts = hexes(full), hexes(dull)
        cubic = _cubic(bends).tolist()
        opacity = [geometry.opacity_of(number) for number in range(geometry.BINS)]
        numbers = edges.tolist()
        for n in range(len(edges) - 1, -1, -1):
            a, b, c, d = cubic[n]
            paint: Gradient | str = ends[n]
            if math.hypot(d[0] - a[0], d[1] - a[1]) >= 0.5:
                stops = ((0.0, starts[n]), (1.0, ends[n]))
                paint = Gradient((a[0], a[1]), (d[0], d[1]), stops)
            yield Path(
                (("M", (a[0], a[1])), ("C", (*b, *c, *d))), stroke=paint, width=widths[n],
                opacity=opacity[bins[n]], round=True, kind="edge",
                data=(("edge", str(numbers[n])),),
            )  # fmt: skip

    def chosen(self, commands: tuple[Command, ...], *, live: bool = False) -> Path:
        """The edge whose card is open, over the others."""
        width = CHOSEN * self.line
        return Path(commands, stroke=self.theme.accent, width=width, opacity=0.9, kind="chosen",
                    live=live)  # fmt: skip

    def tracks(self, *, live: bool) -> Iterator[Item | Group]:
        """The large ones first, so that the small ones are not hidden."""
        scene, view, scales = self.stage.scene, self.stage.view, self.stage.scales
        theme, u = self.theme, self.unit
        colours, shapes = track_look(scene, view, theme, scales)
        rims = np.tile(channels(theme.outline), (scene.n_tracks, 1))
        if not live:
            shown = self.selected()
            dim = dimmed(scene, view, shown, len(shown))
            if dim is not None:
                ground = channels(theme.panel)
                colours[dim] = mix(ground, colours[dim], DIM)
                rims[dim] = mix(ground, rims[dim], DIM)
        places, radii = self.places.tolist(), self.radii.tolist()
        for track in np.argsort(-self.radii, kind="stable").tolist():
            (x, y), r = places[track], radii[track]
            parts: list[Item] = [
                track_mark(shapes[track], x, y, 2 * r, fill=css(colours[track]),
                           rim=css(rims[track]), unit=u)
            ]  # fmt: skip
            ringed = view.marks and bool(scene.displaced[track])
            if ringed:
                ring = circle(x, y, r + 3.5 * u)
                parts.append(Path(ring, stroke=theme.text, width=1.2 * u, kind="ring"))
            if live or track == view.track:
                ring = circle(x, y, r + 5 * u)
                parts.append(
                    Path(ring, stroke=theme.accent, width=2.4 * u, kind="alone", live=live)
                )
            if view.marks and (scene.muon[track] or scene.electron[track]):
                sign = "μ" if scene.muon[track] else "e"
                parts.append(
                    Text(x + r + (6 if ringed else 3) * u, y, sign, LEPTON * u, theme.text,
                         bold=True, centred=True, halo=theme.panel, kind="lepton")
                )  # fmt: skip
            yield Group(tuple(parts), data=(("track", str(track)),))

    def names(self) -> Iterator[Item]:
        """Marks and names of subjets and b-hadrons."""
        theme, u = self.theme, self.unit
        hadrons = hadron_colour(self.stage.scene, self.stage.view, theme)
        for one in self.directions:
            x, y = one.x, one.y
            if one.kind == "subjet":
                r, ink = 5 * u, theme.text
                mark: tuple[Command, ...] = (
                    ("M", (x - r, y - r)), ("L", (x + r, y + r)),
                    ("M", (x + r, y - r)), ("L", (x - r, y + r)),
                )  # fmt: skip
            else:
                r, ink = MARK * u, hadrons
                mark = polyline([(x, y - r), (x + r, y), (x, y + r), (x - r, y)], closed=True)
            yield Path(mark, stroke=theme.panel, width=5 * u, opacity=0.8, kind="halo")
            yield Path(mark, stroke=ink, width=1.8 * u, kind=one.kind)
            middle = (one.name.left + one.name.right) / 2
            anchor, at = _anchored(one.name, middle - x)
            data: Data = (("of", f"{one.kind} {one.number}"),)
            yield Text(at, one.name.bottom - 4 * u, one.text, NAME * u, ink, anchor, True,
                       halo=theme.panel, kind=f"name {one.kind}", data=data)  # fmt: skip


def _anchored(name: Box, aside: float) -> tuple[Anchor, float]:
    """Where the text of a name begins or ends: towards its mark."""
    if aside > 1:
        return "start", name.left
    if aside < -1:
        return "end", name.right
    return "middle", (name.left + name.right) / 2


def _cubic(bends: Array) -> Array:
    """Quadratic Bézier curves [n, 3, 2] as cubic ones [n, 4, 2]."""
    a, q, b = bends[:, 0], bends[:, 1], bends[:, 2]
    return np.stack([a, a + 2 / 3 * (q - a), b + 2 / 3 * (q - b), b], axis=1)


def _curve(bend: Array) -> tuple[Command, ...]:
    """One of them as a path."""
    a, b, c, d = _cubic(bend[None])[0].tolist()
    return ("M", (*a,)), ("C", (*b, *c, *d))
