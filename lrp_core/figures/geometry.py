"""Where everything in the network plot stands.

significances --rank--> strongest k --bins of equal significance--> curves of 8 widths
                               the others ------------------------> one faint trace
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from lrp_core.figures.colours import channels, mix, scale
from lrp_core.figures.numbers import minus, plain, precise
from lrp_core.figures.scene import Direction, Scales, Scene
from lrp_core.figures.theme import Theme
from lrp_core.figures.view import Camera, View

Array = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Side = Literal["x", "y", "z"]

BINS = 8  # widths an edge can have
SEGMENTS = 8  # straight pieces of one curve
BEND = 0.11  # height of a curve over its chord, as a share of the chord
MAX_STRONG = 2000  # more curves than this are neither readable nor fast
HEIGHT_OF_BOX = 1.02  # height of the scene over its width
NARROW = 1.34  # width over height of a stage below which a camera steps back
LOOKS = np.array([1.26, -1.44, 0.66])  # where from, at first: from the centre to the eye
ROOM = (72.0, 30.0, 48.0, 30.0)  # px for words around the box: left, above, right, below
LARGE = 1.12  # length of the box without perspective, where there is room for it
ANGLE = math.tan(math.pi / 8)  # half of the picture's height, as seen from a distance of 1
UPRIGHT = 24  # points of an upright line, less one
SOURCE_SHADE = 0.42  # how much of an edge's colour it has where it starts
SIDES: tuple[Side, ...] = ("x", "y", "z")
AXES: dict[Side, str] = {"x": "track_etarel", "y": "track_phirel", "z": "log:track_pt"}
TITLES = {
    "track_etarel": "sign(η_jet) · Δη",
    "track_phirel": "Δφ  (rad)",
    "track_pt": "track p_T  (GeV)",
}
LENGTH = np.array([1.0, 1.0, HEIGHT_OF_BOX])


@dataclass(frozen=True)
class Faint:
    """How the edges behind the strongest are drawn: straight, fainter the more they are.

    lines        how many at most
    least, most  limits of their opacity, which is otherwise ``ink`` over their number
    """

    lines: int = 4000
    least: float = 0.015
    most: float = 0.12
    ink: float = 40.0

    def opacity(self, count: int) -> float:
        """The opacity of so many lines."""
        return max(self.least, min(self.most, self.ink / max(1, count)))


FAINT = Faint()

# ------------------------------------------------------------- number of edges


def default_edges(n_edges: int) -> int:
    """How many edges to draw at first: a fifth of them, at most 150."""
    return min(150, math.ceil(n_edges / 5))


def most_edges(n_edges: int) -> int:
    """How many can be curves."""
    return min(n_edges, MAX_STRONG)


def considered(scene: Scene, view: View) -> Whole:
    """The edges that are considered, the most significant first: all, or those of one track."""
    track, order = view.track, scene.order
    if track is None or track >= scene.n_tracks:
        return order
    leaving = (scene.source[order] == track) & (view.ways != "in")
    coming = (scene.destination[order] == track) & (view.ways != "out")
    chosen: Whole = order[leaving | coming]
    return chosen


def shown_edges(scene: Scene, view: View, order: Whole) -> int:
    """How many of the considered edges are curves: by number, or by least significance."""
    most = most_edges(len(order))
    if view.least is not None:
        return min(int((scene.significance[order] >= view.least).sum()), most)
    wanted = default_edges(scene.n_edges) if view.edges is None else view.edges
    return max(min(1, most), min(wanted, most))


# ------------------------------------------------------------ widths and sizes


def width_of(share: npt.ArrayLike) -> Array:
    """Width in px of edges whose significance is a share of the largest."""
    width: Array = 0.7 + 6.6 * np.clip(share, 0, 1) ** 1.6
    return width


def bin_of(share: npt.ArrayLike) -> Whole:
    """The bin of a share of the largest significance: 0 (faintest) to 7 (strongest)."""
    number: Whole = np.clip(np.floor(np.asarray(share) * BINS), 0, BINS - 1).astype(np.int64)
    return number


def bin_middle(number: int) -> float:
    """The share in the middle of a bin."""
    return (number + 0.5) / BINS


def opacity_of(number: int) -> float:
    """Opacity of the edges of a bin."""
    return 0.5 + 0.5 * math.sqrt(bin_middle(number))


def size_of(value: npt.ArrayLike, most: float) -> Array:
    """Diameters in px of tracks: their area grows with the share of the largest."""
    share = np.abs(np.asarray(value, dtype=np.float64)) / most if most > 0 else np.zeros(())
    return np.asarray(5.5 + 17 * np.sqrt(share) + 0 * np.asarray(value, dtype=np.float64))


def sizes(scene: Scene, view: View, scales: Scales) -> Array:
    """Diameters in px of all tracks, [n_tracks]."""
    if view.size == "relevance":
        return size_of(scene.relevance, scales.relevance)
    return size_of(scene.pt, scales.pt)


# ------------------------------------------------------------------------ axes


def nice_step(span: float, most: int) -> float:
    """A round step that takes at most so many steps over a span."""
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    return next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough * 0.999)


def ticks(most: float, count: int) -> list[float]:
    """Tick values from 0 to ``most``, at most ``count`` of them after the zero."""
    return ticks_between(0, most, count) if most > 0 else [0.0]


def ticks_between(low: float, high: float, count: int) -> list[float]:
    """Round tick values between two limits, about ``count`` of them."""
    if not high > low:
        return [low]
    step = nice_step(high - low, count)
    values = []
    at = math.ceil(low / step - 1e-4)
    while at * step <= high + 1e-4 * step:
        values.append(at * step)
        at += 1
    return values


def tick_text(value: float) -> str:
    """A tick value with at most three digits."""
    return minus(plain(precise(value, 3)))


def log_ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Ticks of a logarithmic axis between two powers of ten: where they are, and their texts.

    Between neighbouring ones, such as 1.1 and 1.7, there are round numbers as on a linear axis.
    """
    span = high - low
    digits = (1,) if span > 4 else (1, 3) if span > 2.2 else (1, 2, 5)
    values, texts = [], []
    for power in range(math.floor(low), math.ceil(high) + 1):
        for digit in digits:
            value = math.log10(digit) + power
            if low <= value <= high:
                values.append(value)
                texts.append(plain(precise(digit * 10.0**power, 2)))
    if len(values) < 2:
        fine = [one for one in ticks_between(10**low, 10**high, 5) if 10**low <= one <= 10**high]
        return [math.log10(one) for one in fine], [tick_text(one) for one in fine]
    return values, texts


@dataclass(frozen=True, eq=False)
class Axis:
    """One axis: values [n_tracks] where the tracks stand on it, its range, ticks and title."""

    name: str
    log: bool
    values: Array
    low: float
    high: float
    title: str
    tickvals: list[float]
    ticktext: list[str]


def axis_title(scene: Scene, name: str) -> str:
    """The title of an axis with its unit; an index stands behind "_"."""
    if name in TITLES:
        return TITLES[name]
    about = scene.feature(name)
    return f"{about.title}  ({about.unit})" if about.unit else about.title


def axis_of(scene: Scene, spec: str) -> Axis:
    """The axis of a feature.

    spec: its name, "log:" in front where it is to be its decimal logarithm, which only features
    that are positive for every track can be.
    """
    name = spec.removeprefix("log:")
    raw = scene.given(name)
    least, largest = float(raw.min()), float(raw.max())
    log = spec.startswith("log:") and least > 0
    values = np.log10(raw) if log else raw
    low, high = (math.log10(least), math.log10(largest)) if log else (least, largest)
    if log:
        margin = max(0.06, (high - low) * 0.06)
    else:
        margin = (high - low) * 0.06 or max(1e-3, abs(high) * 0.1)
    from_zero = not log and 0 <= low < 0.5 * high
    low = 0.0 if from_zero else low - margin
    high += margin
    if log:
        values_at, texts = log_ticks(low, high)
    else:
        values_at = ticks_between(low, high, 5)
        texts = [tick_text(value) for value in values_at]
    title = axis_title(scene, name) + (" · log" if log else " · linear" if least > 0 else "")
    return Axis(name, log, values, low, high, title, values_at, texts)


@dataclass(frozen=True, eq=False)
class Frame:
    """Where things stand: three axes.

    angles  whether the floor is that of the two angles, which then have one scale, symmetric
            around the jet axis; directions have a place only there
    """

    axes: dict[Side, Axis]
    angles: bool

    @property
    def points(self) -> Array:
        """Where the tracks stand, [n_tracks, 3], in the units of the axes."""
        return np.stack([self.axes[side].values for side in SIDES], axis=1)

    @property
    def low(self) -> Array:
        """The lower ends of the axes, [3]."""
        return np.array([self.axes[side].low for side in SIDES])

    @property
    def high(self) -> Array:
        """The upper ends of the axes, [3]."""
        return np.array([self.axes[side].high for side in SIDES])

    @property
    def span(self) -> Array:
        """The lengths of the axes, 1 where they have none, [3]."""
        span = self.high - self.low
        return np.where(span == 0, 1.0, span)

    def into_box(self, points: Array) -> Array:
        """In the box, where directions are as long as they look, so that bends look the same."""
        boxed: Array = LENGTH * (points - self.low) / self.span
        return boxed

    def out_of_box(self, points: Array) -> Array:
        """The same backwards."""
        data: Array = points / LENGTH * self.span + self.low
        return data


def frame(scene: Scene, view: View) -> Frame:
    """The axes of a view; one that the jet has no values for is as usual."""
    wanted: dict[Side, str] = {"x": view.x, "y": view.y, "z": view.z}
    spec = {
        side: name if name.removeprefix("log:") in scene.values else AXES[side]
        for side, name in wanted.items()
    }
    axes = {side: axis_of(scene, name) for side, name in spec.items()}
    angles = spec["x"] == AXES["x"] and spec["y"] == AXES["y"]
    if angles:
        places = [*axes["x"].values, *axes["y"].values]
        for one in scene.directions:
            places += [one.etarel, one.phirel]
        reach = max(0.05, *(abs(float(place)) for place in places)) * 1.06
        tickvals = ticks_between(-reach, reach, 6)
        texts = [tick_text(value) for value in tickvals]
        for side in ("x", "y"):
            axes[side] = replace(
                axes[side], low=-reach, high=reach, tickvals=tickvals, ticktext=texts
            )
    return Frame(axes, angles)


# ---------------------------------------------------------------------- curves


def bends(a: Array, b: Array) -> Array:
    """The tops of the bends, in the box, [n, 3].

    To the left of the way from a to b, so that an edge and the one that goes back bend apart.
    """
    way = b - a
    length = np.linalg.norm(way, axis=1)
    side = np.stack([-way[:, 1], way[:, 0], np.zeros(len(way))], axis=1)
    width = np.hypot(side[:, 0], side[:, 1])
    upright = (width < 1e-6 * length) | (width == 0)
    up = np.where(np.sign(way[:, 2]) == 0, 1.0, np.sign(way[:, 2]))
    side[upright] = np.stack([up, 0 * up, 0 * up], axis=1)[upright]
    width = np.where(upright, 1.0, width)
    tops: Array = (a + b) / 2 + (2 * BEND * length / width)[:, None] * side
    return tops


def curves(where: Frame, source: Whole, destination: Whole) -> Array:
    """Quadratic Bézier curves, in the units of the axes.

    SEGMENTS + 1 points from each source to its destination, [n, SEGMENTS + 1, 3].
    """
    boxed = where.into_box(where.points)
    a, b = boxed[source], boxed[destination]
    top = bends(a, b)
    t = (np.arange(SEGMENTS + 1) / SEGMENTS)[None, :, None]
    points = (1 - t) ** 2 * a[:, None] + 2 * t * (1 - t) * top[:, None] + t * t * b[:, None]
    return where.out_of_box(points)


def compressed(share: npt.ArrayLike) -> Array:
    """Signed relevance as colour shows it: the square root of its share, with its sign.

    Most edges are far weaker than the strongest; the legend writes true values beside it.
    """
    values = np.asarray(share, dtype=np.float64)
    result: Array = np.sign(values) * np.sqrt(np.abs(values))
    return result


def edge_colours(scene: Scene, view: View, theme: Theme, scales: Scales, edges: Whole) -> Array:
    """The colours of edges where they end, [n, 3]: by significance, or by signed relevance."""
    if view.edgecolor == "relevance":
        share = scene.signed[edges] / (scales.signed or 1)
        return scale(theme.diverging)(0.5 + 0.5 * compressed(share))
    return scale(theme.sequential)(scene.significance[edges] / (scales.significance or 1))


@dataclass(frozen=True, eq=False)
class Bunch:
    """Edges of one width.

    start    place in the order of its first edge
    edges    their numbers [count], the most significant first
    points   [count, SEGMENTS + 1, 3], in the units of the axes, float32
    colours  [count, SEGMENTS + 1, 3]: duller at the source and full at the destination
    """

    bin: int
    start: int
    edges: Whole
    width: float
    opacity: float
    points: npt.NDArray[np.float32]
    colours: Array


def strong_edges(
    scene: Scene, order: Whole, where: Frame, k: int, *, view: View, theme: Theme, scales: Scales
) -> list[Bunch]:
    """The first k edges of ``order`` as BINS bunches of curves, the strongest bunch first."""
    shown = order[: min(k, len(order))]
    most = scales.significance
    bins = bin_of(scene.significance[shown] / most) if most > 0 else np.zeros(len(shown), int)
    points = curves(where, scene.source[shown], scene.destination[shown]).astype(np.float32)
    full = edge_colours(scene, view, theme, scales, shown)
    shade = SOURCE_SHADE + (1 - SOURCE_SHADE) * (np.arange(SEGMENTS + 1) / SEGMENTS)
    colours = mix(channels(theme.panel), full[:, None, :], shade[None, :, None])
    bunches = []
    start = 0
    for number in range(BINS - 1, -1, -1):
        stop = start + int((bins == number).sum())
        here = slice(start, stop)
        middle = bin_middle(number)
        bunches.append(
            Bunch(
                number,
                start,
                shown[here],
                float(width_of(middle)),
                opacity_of(number),
                points[here],
                colours[here],
            )
        )
        start = stop
    return bunches


@dataclass(frozen=True, eq=False)
class Rest:
    """The edges behind the strongest, as straight faint lines: points [count, 2, 3], float32."""

    points: npt.NDArray[np.float32]
    opacity: float


def rest_edges(scene: Scene, order: Whole, where: Frame, k: int) -> Rest:
    """The edges of ``order`` behind the first k, as many as ``FAINT`` has."""
    edges = order[k : k + FAINT.lines]
    ends = np.stack([scene.source[edges], scene.destination[edges]], axis=1)
    points = where.points.astype(np.float32)[ends]
    return Rest(points, FAINT.opacity(len(edges)))


def direction(where: Frame, one: Direction) -> Array:
    """A direction: an upright line from the floor to the top, [UPRIGHT + 1, 3]."""
    low, high = where.axes["z"].low, where.axes["z"].high
    z = low + (high - low) * np.arange(UPRIGHT + 1) / UPRIGHT
    return np.stack([np.full_like(z, one.etarel), np.full_like(z, one.phirel), z], axis=1)


# ---------------------------------------------------------------------- camera


@lru_cache(256)
def camera_for(
    width: float,
    height: float,
    *,
    perspective: bool = True,
    above: float = ROOM[1],
    type_size: float = 1.0,
) -> Camera:
    """Where the camera stands at first, on a stage of so many px.

    It is as near as all of the box, with its words around it, is on the stage, and looks at a point
    of the upright axis, so that the box turns around its own middle. Without perspective its
    distance does not count.

    above      px left free above the box
    type_size  how large its words are, over the usual
    """
    if not perspective:
        x, y, z = LOOKS.tolist()
        return Camera((x, y, z))
    if not (width > 0 and height > 0):
        width, height = 800.0, 600.0
    left, _, right, below = ROOM
    low, high = max(-0.9 * height, 2 * below - height), max(0.1 * height, height - 2 * above)
    sides = (  # a title is a little away from its numbers
        max(0.4 * width, width - left * (1 + type_size)),
        max(0.4 * width, width - 2 * right * type_size),
    )
    near, far = 0.7, 12.0
    for _ in range(40):
        middle = (near + far) / 2
        center = _amid(middle, (low + high) / 2 / height)
        box = _outline(middle, center) * height
        fits = box[3] - box[2] <= high - low and -box[0] <= sides[0] and box[1] <= sides[1]
        near, far = (near, middle) if fits else (middle, far)
    center = _amid(far, (low + high) / 2 / height)
    x, y, z = (LOOKS * far).tolist()
    return Camera((x, y, z + center), (0.0, 0.0, center), (0.0, 0.0, 1.0))


def _outline(away: float, center: float) -> Array:
    """Ends of the box on the picture: left, right, lower, upper; in half heights, 0 its middle."""
    length = float(np.linalg.norm(LOOKS))
    back = LOOKS / length
    across = np.array([-back[1], back[0], 0.0]) / math.hypot(back[0], back[1])
    corners = (np.array([[(n >> side) & 1 for side in range(3)] for n in range(8)]) - 0.5) * LENGTH
    corners[:, 2] -= center
    depth = (away * length - corners @ back) * ANGLE
    x, y = corners @ across / depth, corners @ np.cross(back, across) / depth
    return np.array([x.min(), x.max(), y.min(), y.max()])


def _amid(away: float, wanted: float) -> float:
    """The height to look at from so far away, for the box to be amid a height of the picture."""
    center = 0.0
    for _ in range(8):
        _, _, low, high = _outline(away, center).tolist()
        center += ((low + high) / 2 - wanted) * away * ANGLE * 2
    return center


def camera_in(camera: Camera | None, width: float, height: float, *, perspective: bool) -> Camera:
    """The camera of a picture of so many px: that of the view, or where it has none, the first.

    That of the view stands further away where the picture is narrow, so that nothing is cut off.
    """
    if camera is None:
        return camera_for(width, height, perspective=perspective)
    away = max(1.0, NARROW * height / width)
    x, y, z = camera.eye
    return replace(camera, eye=(x * away, y * away, z * away))


def along_axis(camera: Camera) -> Side | None:
    """Which axis the camera looks along, so that its ticks lie on top of each other; or None."""
    way = [abs(a - b) for a, b in zip(camera.eye, camera.center, strict=True)]
    far = math.hypot(*way)
    return next((side for side, part in zip(SIDES, way, strict=True) if part > 0.997 * far), None)


def orthographic_size(width: float, height: float) -> float:
    """How large the box is without perspective, where the camera's distance does not count."""
    if not (width > 0 and height > 0):
        return LARGE
    room = min(width - 2 * ROOM[0], height - 2 * ROOM[1])
    return max(0.3, min(LARGE, room / (0.71 * height)))
