"""The network plot as a vector figure: the same vertices as on the page, through its camera."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Unpack

import numpy as np

from lrp_core.errors import FigureError
from lrp_core.figures import geometry
from lrp_core.figures.axes import draw_axes
from lrp_core.figures.camera import Array, Projector
from lrp_core.figures.colours import channels, css, mix, scale
from lrp_core.figures.drawing import Anchor, Drawing, Gradient, Item, Path, Text, circle, polyline
from lrp_core.figures.geometry import Frame, Whole
from lrp_core.figures.headline import edges_words
from lrp_core.figures.legend import CHARGE_SHAPES, SHAPES, coloured_by
from lrp_core.figures.legend_column import ROW, WIDE, draw_legend
from lrp_core.figures.marks import BALL, LINE, track_mark
from lrp_core.figures.picture import Shown
from lrp_core.figures.scene import Scales, Scene
from lrp_core.figures.sheet import SIDE, Paper, Sheet, sheet
from lrp_core.figures.stage import Stage
from lrp_core.figures.theme import Theme
from lrp_core.figures.view import View

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation
    from lrp_core.jets import Jet

Room = tuple[float, float, float, float]  # left, top, width and height in px
EDGE = 12.0  # px at unit 1 left free beside the stage
CLOSE = 0.12  # share of the half width of the floor within which names of directions would meet
DIM = 0.28  # how much of its colour a track keeps that is not looked at


def draw_network(
    jet: Jet,
    explanation: Explanation,
    view: View,
    *,
    pinned: Shown | None = None,
    **paper: Unpack[Paper],
) -> Drawing:
    """The network plot of a view, with heading, legend and provenance, on paper as ``Paper`` says.

    pinned  the jet and explanation that the view's ``pin`` names: both have the same scales, and
            with ``difference=1`` in the view the figure is of one minus the other, where that is

    Raises FigureError if the explanation is not that of the jet, or the view asks for what the jet
    has not got.
    """
    on = NetworkSheet.of(Shown(jet, explanation), view, pinned, paper)
    scene, view, scales = on.stage.scene, on.stage.view, on.stage.scales
    return on.drawing(scene_items(scene, view, on.page.theme, scales, on.room, on.page.unit))


@dataclass(frozen=True, eq=False)
class NetworkSheet:
    """What stands around a network plot, and the room for the plot.

    stage  what is drawn there; its view has the camera for this room
    """

    stage: Stage
    page: Sheet
    room: Room
    legend: tuple[Item, ...]

    @classmethod
    def of(cls, shown: Shown, view: View, pinned: Shown | None, paper: Paper) -> NetworkSheet:
        """Likewise, of what ``draw_network`` takes. Raises FigureError as it does."""
        stage = Stage.of(shown, view, pinned)
        scene, view, scales = stage.scene, stage.view, stage.scales
        check_view(scene, view)
        minus = None if scene.difference is None else scene.difference[1].explanation
        page = sheet(*shown, view, edges_words(scene, view), paper, minus=minus)
        u, top, right = page.unit, page.top, page.width - EDGE * page.unit
        if page.upright:
            floor = page.bottom - ROW * u
            room = (EDGE * u, top, right - EDGE * u, floor - top)
            box = (SIDE * u, floor, page.width - 2 * SIDE * u, ROW * u)
        else:
            left = right - (WIDE + 6) * u
            room = (EDGE * u, top, left - EDGE * u, page.bottom - top)
            box = (left, top + 8 * u, WIDE * u, page.bottom - top - 8 * u)
        camera = geometry.camera_in(
            view.camera, room[2] / u, room[3] / u, perspective=view.projection == "perspective"
        )
        legend = draw_legend(scene, view, page.theme, scales, u, box, beside=not page.upright)
        seen = replace(stage, view=replace(view, camera=camera))
        return cls(seen, page, room, tuple(legend))

    def drawing(self, items: Iterable[Item] = ()) -> Drawing:
        """All of it, with the plot's items in the room."""
        title = "Network plot" if self.stage.scene.difference is None else "Difference"
        return self.page.drawing(title, (*items, *self.legend))


def check_view(scene: Scene, view: View) -> None:
    """Raises FigureError where the view asks for what the jet has not got."""
    for key in ("x", "y", "z"):
        name = getattr(view, key).removeprefix("log:")
        usual = geometry.AXES[key]
        if name not in scene.values and name != usual.removeprefix("log:"):
            raise FigureError(
                f"{key}={name} in the view: {scene.jet_id} has no such feature; it has "
                f"{', '.join(scene.values)}"
            )
    for key, count, what in (
        ("track", scene.n_tracks, "tracks"),
        ("edge", scene.n_edges, "edges"),
    ):
        value = getattr(view, key)
        if value is not None and value >= count:
            raise FigureError(
                f"{key}={value} in the view: {scene.jet_id} has {count} {what}, numbered from 0"
            )


def scene_items(
    scene: Scene,
    view: View,
    theme: Theme,
    scales: Scales,
    room: Room,
    unit: float = 1.0,
) -> Iterator[Item]:
    """The scene in a room (left, top, width, height in px), as a browser shows it there."""
    where = geometry.frame(scene, view)
    wide, high = room[2] / unit, room[3] / unit
    perspective = view.projection == "perspective"
    camera = view.camera or geometry.camera_for(wide, high, perspective=perspective)
    size = 1.0 if perspective else geometry.orthographic_size(wide, high)
    projector = Projector.of(
        camera, where.low, where.high, size * geometry.LENGTH, room, perspective=perspective
    )
    order = geometry.considered(scene, view)
    k = geometry.shown_edges(scene, view, order)
    shot = _Shot(scene, view, theme, scales, where, order, k, projector, unit)
    yield from draw_axes(where, projector, theme, unit, geometry.along_axis(camera))
    if where.angles:
        yield from _directions(shot)
    yield from _edges(shot)
    yield from _tracks(shot)
    if where.angles:
        yield from _direction_names(shot)


@dataclass(frozen=True, eq=False)
class _Shot:
    """What everything in one picture of a scene is drawn with.

    order, k  the edges that are considered, and how many of them are curves
    """

    scene: Scene
    view: View
    theme: Theme
    scales: Scales
    where: Frame
    order: Whole
    k: int
    projector: Projector
    unit: float

    @property
    def parts(self) -> tuple[Scene, Theme, Frame, Projector, float]:
        """What all of it needs."""
        return self.scene, self.theme, self.where, self.projector, self.unit


# ----------------------------------------------------------------------- edges


def _edges(shot: _Shot) -> Iterator[Item]:
    """Faint lines, then curves: the weak before the strong, the far before the near."""
    scene, theme, where, projector, unit = shot.parts
    rest = geometry.rest_edges(scene, shot.order, where, shot.k)
    for ends in projector.project(rest.points)[0]:
        yield Path(polyline(ends), stroke=theme.rest, width=unit, opacity=rest.opacity, kind="rest")
    bunches = geometry.strong_edges(
        scene, shot.order, where, shot.k, view=shot.view, theme=theme, scales=shot.scales
    )
    for bunch in reversed(bunches):
        places, far = projector.project(bunch.points)
        for n in np.argsort(-far.mean(axis=1), kind="stable").tolist():
            start, end = css(bunch.colours[n, 0]), css(bunch.colours[n, -1])
            points = places[n]
            yield Path(
                _curve(points),
                stroke=_along(points, start, end),
                width=bunch.width * LINE * unit,
                opacity=bunch.opacity,
                round=True,
                kind="edge",
            )
    if shot.view.edge is not None:
        chosen = np.array([shot.view.edge])
        points = geometry.curves(where, scene.source[chosen], scene.destination[chosen])[0]
        yield Path(
            _curve(projector.project(points)[0]),
            stroke=theme.text,
            width=8 * LINE * unit,
            opacity=0.35,
            round=True,
            kind="chosen",
        )


def _curve(points: Array) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """A smooth path through points [n, 2]: cubic pieces with the tangents of Catmull and Rom."""
    tangents = np.gradient(points, axis=0)
    commands: list[tuple[str, tuple[float, ...]]] = [("M", tuple(points[0].tolist()))]
    for a, b, ta, tb in zip(points, points[1:], tangents, tangents[1:], strict=False):
        commands.append(("C", (*(a + ta / 3).tolist(), *(b - tb / 3).tolist(), *b.tolist())))
    return tuple(commands)


def _along(points: Array, start: str, end: str) -> Gradient | str:
    """From one colour to another along a curve; one alone where it has no length."""
    first, last = points[0], points[-1]
    if start == end or float(np.hypot(*(last - first))) < 0.5:
        return end
    ends = [tuple(round(float(value), 2) for value in place) for place in (first, last)]
    return Gradient((ends[0][0], ends[0][1]), (ends[1][0], ends[1][1]), ((0.0, start), (1.0, end)))


# ---------------------------------------------------------------------- tracks


def dimmed(scene: Scene, view: View, order: Whole, k: int) -> np.ndarray | None:
    """Which tracks are at neither end of a drawn edge, while those of one track are looked at."""
    if view.track is None:
        return None
    dim = np.ones(scene.n_tracks, bool)
    dim[view.track] = False
    dim[scene.source[order[:k]]] = False
    dim[scene.destination[order[:k]]] = False
    return dim


def track_look(scene: Scene, view: View, theme: Theme, scales: Scales) -> tuple[Array, list[str]]:
    """Colours [n_tracks, 3] and shapes of all tracks."""
    coloured = coloured_by(scene, view)
    if coloured == "origin" and scene.origin is not None:
        codes = scene.origin.tolist()
        colours = np.stack([channels(theme.origins[code]) for code in codes])
        return colours, [SHAPES[code] for code in codes]
    if coloured == "charge" and scene.charge is not None:
        positive = (scene.charge > 0).tolist()
        colours = np.stack([channels(charge_colour(theme, sign)) for sign in positive])
        return colours, [CHARGE_SHAPES[sign] for sign in positive]
    share = scene.relevance / (scales.relevance or 1)
    return scale(theme.diverging)(0.5 + share / 2), ["circle"] * scene.n_tracks


def charge_colour(theme: Theme, positive: bool) -> str:
    """Charge is not relevance: two of the origins' colours, which everybody can tell apart."""
    return theme.origins[2 if positive else 3]


def _tracks(shot: _Shot) -> Iterator[Item]:
    """Balls, the far before the near, each with what it is marked with."""
    scene, theme, where, projector, unit = shot.parts
    view = shot.view
    places, far = projector.project(where.points)
    diameters = geometry.sizes(scene, view, shot.scales)
    colours, shapes = track_look(scene, view, theme, shot.scales)
    rims = np.tile(channels(theme.outline), (scene.n_tracks, 1))
    dim = dimmed(scene, view, shot.order, shot.k)
    if dim is not None:
        ground = channels(theme.panel)
        colours[dim] = mix(ground, colours[dim], DIM)
        rims[dim] = mix(ground, rims[dim], DIM)
    for track in np.argsort(-far, kind="stable").tolist():
        x, y = places[track].tolist()
        diameter = float(diameters[track])
        yield track_mark(
            shapes[track],
            x,
            y,
            BALL * diameter * unit,
            fill=css(colours[track]),
            rim=css(rims[track]),
            unit=unit,
        )
        if view.marks and scene.displaced[track]:
            yield _ring(x, y, diameter + 7, theme.text, unit, width=1.0, opacity=0.75)
        if track == view.track:
            yield _ring(x, y, diameter + 8.6, theme.accent, unit, width=2.2)
        if view.marks and (scene.muon[track] or scene.electron[track]):
            sign = "μ" if scene.muon[track] else "e"
            reach = BALL * diameter / 2 + 4
            yield Text(
                x + reach * unit, y, sign, 15 * unit, theme.text, "start", True, centred=True,
                halo=theme.panel, kind="lepton",
            )  # fmt: skip


def _ring(
    x: float,
    y: float,
    size: float,
    colour: str,
    unit: float,
    *,
    width: float,
    opacity: float = 1.0,
) -> Path:
    """A thin ring around a track."""
    outline = circle(x, y, BALL * size * unit / 2)
    return Path(outline, stroke=colour, width=width * unit, opacity=opacity, kind="ring")


# ------------------------------------------------------------------ directions


def _directions(shot: _Shot) -> Iterator[Item]:
    """Upright lines: the jet axis, the subjets, and the b-hadrons of the simulation."""
    scene, theme, where, projector, unit = shot.parts
    low, high = where.axes["z"].low, where.axes["z"].high
    jet_axis = np.array([[0.0, 0.0, low], [0.0, 0.0, high]])
    lines = [(jet_axis, theme.muted, (5.0, 4.0), 0.55, "jet-axis")]
    for subjet in scene.subjets:
        line = geometry.direction(where, subjet)
        lines.append((line, theme.muted, (9.0, 5.0), 0.6, "subjet"))
    for hadron in scene.b_hadrons:
        line = geometry.direction(where, hadron)
        lines.append((line, hadron_colour(scene, shot.view, theme), (1.5, 3.5), 0.6, "b-hadron"))
    for points, colour, dash, opacity, kind in lines:
        ends = projector.project(points[[0, -1]])[0]
        yield Path(
            polyline(ends),
            stroke=colour,
            width=1.4 * unit,
            opacity=opacity,
            dash=tuple(length * unit for length in dash),
            kind=kind,
        )


def hadron_colour(scene: Scene, view: View, theme: Theme) -> str:
    """The colour of what belongs to a b-hadron."""
    return theme.origins[1] if coloured_by(scene, view) == "origin" else theme.text


def _direction_names(shot: _Shot) -> Iterator[Item]:
    """Names at the ends of these lines: of a subjet below where a b-hadron's stands above it."""
    scene, theme, where, projector, unit = shot.parts
    low, high = where.axes["z"].low, where.axes["z"].high
    below = bool(scene.b_hadrons)
    colour = hadron_colour(scene, shot.view, theme)
    close = CLOSE * where.axes["x"].high
    for kind, ink, under, group in (
        ("j", theme.muted, below, scene.subjets),
        ("b", colour, False, scene.b_hadrons),
    ):
        for at, one in enumerate(group):
            near = [
                other
                for other, two in enumerate(group)
                if other != at
                and math.hypot(two.etarel - one.etarel, two.phirel - one.phirel) < close
            ]
            # of two that are close, each name goes to its side
            anchor: Anchor = "middle" if not near else "end" if at < near[0] else "start"
            z = low if under else high
            x, y = projector.project([one.etarel, one.phirel, z])[0].tolist()
            aside = {"middle": 0, "end": -4, "start": 4}[anchor] * unit
            shift = (13 if under else -14) * unit
            yield Text(
                x + aside, y + shift, f"{kind}_{one.number}", 14 * unit, ink, anchor, centred=True,
                halo=theme.panel, kind="direction",
            )  # fmt: skip
