"""The network plot as what Plotly draws: the figure of a notebook, and what the page selects from.

    jet axis, faint rest, edges of 8 widths, chosen edge, directions, marks, isolated, tracks

Each of these is a trace, as plain data. The edges of a notebook are those of its view; the page
gets every edge that may be shown, in the order of rank, with traces that its script fills.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lrp_core.figures import geometry
from lrp_core.figures.colours import channels, css, mix, rgba, scale
from lrp_core.figures.geometry import BINS, SEGMENTS, SIDES, Bunch, Frame, Whole
from lrp_core.figures.headline import Headline, rule_words, target_words
from lrp_core.figures.legend import coloured_by
from lrp_core.figures.marks import BALL
from lrp_core.figures.network import (
    CLOSE,
    DIM,
    NetworkSheet,
    check_view,
    dimmed,
    hadron_colour,
    track_look,
)
from lrp_core.figures.part_words import direction_part, edge_lines, track_part
from lrp_core.figures.picture import Panel, Picture, Shown, packed
from lrp_core.figures.scene import Direction, Scene
from lrp_core.figures.stage import Stage
from lrp_core.figures.theme import FONT, Theme
from lrp_core.figures.view import Camera, View

Trace = dict[str, Any]
STRIDE = SEGMENTS + 2  # points of one curve, and the gap behind it
MOST_EDGES = 20_000  # that the page hears of, by rank; isolating a track asks for its own beyond
ISOLATED = (8.0, 9.2)  # px by which its two rings are wider than the track
TICKS = 11.0  # px of type of an axis' numbers, and of its title
TITLES = 13.0
TOOLS = 52.0  # px of buttons above the scene
AXIS = 1.25  # px of a line of an axis on a sheet, as in vectors
USUAL_TYPE = 14.0  # px of a page's type for which sizes are as here


@dataclass(frozen=True, eq=False)
class Plot:
    """A stage as Plotly's traces, in a theme.

    type  how large letters are, over the usual
    """

    stage: Stage
    theme: Theme
    type: float = 1.0

    @cached_property
    def where(self) -> Frame:
        """Where everything stands."""
        return geometry.frame(self.scene, self.view)

    @property
    def scene(self) -> Scene:
        """What is drawn."""
        return self.stage.scene

    @property
    def view(self) -> View:
        """How it is looked at."""
        return self.stage.view

    def traces(self) -> list[Trace]:
        """All of it, with the edges that the view chooses, as Plotly stacks them."""
        order = geometry.considered(self.scene, self.view)
        k = geometry.shown_edges(self.scene, self.view, order)
        rest = geometry.rest_edges(self.scene, order, self.where, k)
        faint = {**self.rest(), **_points(_gapped(rest.points)), "opacity": rest.opacity}
        chosen = []
        if self.view.edge is not None:
            edge = np.array([self.view.edge])
            ends = self.scene.source[edge], self.scene.destination[edge]
            chosen = [{**self.chosen(), **_points(geometry.curves(self.where, *ends)[0])}]
        dim = dimmed(self.scene, self.view, order, k)
        return [
            *self.axis(),
            {**faint, "visible": len(rest.points) > 0},
            *(self._filled(bunch) for bunch in reversed(self.bunches(order, k))),
            *chosen,
            *self.directions(),
            *self.marks(),
            *([] if self.view.track is None else [self.isolated(self.view.track)]),
            self.tracks(dim),
        ]

    # ------------------------------------------------------------------- edges

    def bunches(self, order: Whole, k: int) -> list[Bunch]:
        """The first k edges of ``order`` by width, the strongest first."""
        view, scales = self.view, self.stage.scales
        return geometry.strong_edges(
            self.scene, order, self.where, k, view=view, theme=self.theme, scales=scales
        )

    def rest(self) -> Trace:
        """The edges behind the strongest, without their places."""
        return _line("rest", width=1, color=self.theme.rest)

    def strong(self, number: int) -> Trace:
        """The edges of a width, by the number of its bin, without their places and colours."""
        width = float(geometry.width_of(geometry.bin_middle(number)))
        return _line(f"edges {number}", geometry.opacity_of(number), width=width)

    def _filled(self, bunch: Bunch) -> Trace:
        trace = self.strong(bunch.bin)
        ends = np.concatenate([bunch.colours, np.zeros((len(bunch.edges), 1, 3))], axis=1)
        trace["line"]["color"] = [css(rgb) for rgb in ends.reshape(-1, 3)]
        filled = _points(_gapped(bunch.points))
        meta = {"kind": "edges", "edges": bunch.edges.tolist()}
        return {**trace, **filled, "visible": len(bunch.edges) > 0, "meta": meta}

    def chosen(self) -> Trace:
        """The edge whose card is open, drawn over the others, without its place."""
        return _line("chosen edge", 0.35, width=8, color=self.theme.text)

    # ------------------------------------------------------- what does not change

    def axis(self) -> list[Trace]:
        """The axis of the jet, where the floor is that of the two angles."""
        if not self.where.angles:
            return []
        up = self.where.axes["z"]
        line = _line("jet axis", 0.55, width=2, color=self.theme.muted, dash="dash")
        return [{**line, "x": [0.0, 0.0], "y": [0.0, 0.0], "z": [up.low, up.high]}]

    def directions(self) -> list[Trace]:
        """Upright lines with a name: the subjets, and the b-hadrons of the simulation.

        A subjet and the b-hadron in it are close: their names stand at different ends of the lines;
        of two that are close at one end, each name goes to its side.
        """
        scene, theme = self.scene, self.theme
        if not self.where.angles:
            return []
        ink, below = hadron_colour(scene, self.view, theme), bool(scene.b_hadrons)
        traces = []
        for group, kind, colour, dash, under in (
            (scene.subjets, "subjet", theme.muted, "longdash", below),
            (scene.b_hadrons, "b-hadron", ink, "dot", False),
        ):
            for one in group:
                name, meta = f"{kind} {one.number}", {"kind": kind, "number": one.number}
                line = _line(f"direction of {name}", 0.6, width=2, color=colour, dash=dash)
                places = _points(geometry.direction(self.where, one))
                end = self.where.axes["z"].low if under else self.where.axes["z"].high
                letter = "j" if kind == "subjet" else "b"
                side = f"{'bottom' if under else 'top'} {self._side(one, group)}"
                name_of: Trace = {
                    "type": "scatter3d", "mode": "text", "name": f"name of {name}",
                    "hoverinfo": "skip", "meta": meta, "textposition": side,
                    "x": [one.etarel], "y": [one.phirel], "z": [end],
                    "text": [f"{letter}<sub>{one.number}</sub>"],
                    "textfont": self._font(14, colour),
                }  # fmt: skip
                traces += [{**line, **places, "meta": meta}, name_of]
        return traces

    def _side(self, one: Direction, group: Sequence[Direction]) -> str:
        close = CLOSE * self.where.axes["x"].high
        near = [
            other
            for other in group
            if other is not one
            and math.hypot(other.etarel - one.etarel, other.phirel - one.phirel) < close
        ]
        if not near:
            return "center"
        return "left" if group.index(one) < group.index(near[0]) else "right"

    def marks(self) -> list[Trace]:
        """Rings around displaced tracks, letters beside leptons."""
        scene, theme = self.scene, self.theme
        if not self.view.marks:
            return []
        displaced = np.flatnonzero(scene.displaced)
        leptons = np.flatnonzero(scene.muon | scene.electron)
        traces = []
        if len(displaced):
            rim = {"width": 1, "color": rgba(theme.text, 0.75)}
            size = self.sizes[displaced] + 7
            traces.append(self._balls("displaced", displaced, size, line=rim))
        if len(leptons):
            letters = ["<b>μ</b>" if scene.muon[track] else "<b>e</b>" for track in leptons]
            traces.append({
                "type": "scatter3d", "mode": "text", "name": "leptons", "hoverinfo": "skip",
                **_points(self.where.points[leptons]), "text": letters,
                "textposition": "middle right", "textfont": self._font(15, theme.text),
            })  # fmt: skip
        return traces

    def isolated(self, track: int) -> Trace:
        """The ring around the track whose edges alone are considered."""
        size = float(self.sizes[track])
        rim = {"width": 1, "color": self.theme.accent}
        twice = np.array([track, track])  # as lines of WebGL are thin
        return self._balls("isolated", twice, size + np.array(ISOLATED), line=rim)

    def _balls(self, name: str, tracks: Whole, size: Any, *, line: Trace) -> Trace:
        """Rings: balls that can be seen through, with a rim."""
        marker = {"symbol": "circle", "size": size.tolist(), "color": rgba(self.theme.text, 0)}
        return {
            "type": "scatter3d", "mode": "markers", "name": name, "hoverinfo": "skip",
            **_points(self.where.points[tracks]), "marker": {**marker, "opacity": 1, "line": line},
        }  # fmt: skip

    # ------------------------------------------------------------------ tracks

    @cached_property
    def sizes(self) -> npt.NDArray[np.float64]:
        """Diameters of the tracks in px."""
        return geometry.sizes(self.scene, self.view, self.stage.scales)

    def tracks(self, dim: npt.NDArray[np.bool_] | None = None) -> Trace:
        """The tracks as balls, the last trace; dim: which are not looked at."""
        colours, rims = self.track_colours(dim)
        _, shapes = track_look(self.scene, self.view, self.theme, self.stage.scales)
        marker = {
            "size": self.sizes.tolist(), "color": colours, "symbol": shapes, "opacity": 1,
            "line": {"width": 1, "color": rims},
        }  # fmt: skip
        return {
            "type": "scatter3d", "mode": "markers", "name": "tracks", "hoverinfo": "skip",
            **_points(self.where.points), "marker": marker, "meta": {"kind": "tracks"},
        }  # fmt: skip

    def track_colours(
        self, dim: npt.NDArray[np.bool_] | None = None
    ) -> tuple[list[str], list[str]]:
        """Colours of the tracks and of their rims, duller for those that are not looked at."""
        colours, _ = track_look(self.scene, self.view, self.theme, self.stage.scales)
        rims = np.tile(channels(self.theme.outline), (self.scene.n_tracks, 1))
        if dim is not None:
            ground = channels(self.theme.panel)
            colours[dim], rims[dim] = mix(ground, colours[dim], DIM), mix(ground, rims[dim], DIM)
        return [css(rgb) for rgb in colours], [css(rgb) for rgb in rims]

    # ------------------------------------------------------------------ layout

    def layout(self, camera: Camera, size: float = 1.0) -> dict[str, Any]:
        """The box with its axes.

        size  length of the box's floor, which is other than 1 without perspective only
        """
        mute = geometry.along_axis(camera)
        axes = {f"{side}axis": self._axis(side, mute=side == mute) for side in SIDES}
        return {
            "camera": camera_data(camera, self.view.projection),
            "dragmode": "orbit",
            "aspectmode": "manual",
            "aspectratio": _point([size, size, size * geometry.HEIGHT_OF_BOX]),
            **axes,
        }

    def _axis(self, side: geometry.Side, *, mute: bool) -> dict[str, Any]:
        """An axis; without words where the camera looks along it."""
        along, theme = self.where.axes[side], self.theme
        return {
            "showticklabels": not mute,
            "title": {
                "text": "" if mute else low_indices(along.title),
                "font": self._font(TITLES, theme.text),
            },
            # Plotly takes the size of ticks twice, as a share of 12
            "tickfont": self._font(math.sqrt(12 * TICKS / self.type), theme.muted),
            "gridcolor": theme.grid, "linecolor": theme.grid, "zerolinecolor": theme.grid,
            "showbackground": False, "showspikes": False, "zeroline": False,
            "gridwidth": max(1.0, self.type),
            "range": [along.low, along.high],
            "tickmode": "array", "tickvals": along.tickvals, "ticktext": along.ticktext,
        }  # fmt: skip

    def _font(self, size: float, colour: str) -> dict[str, Any]:
        return {"size": size * self.type, "color": colour, "family": FONT}


def camera_data(camera: Camera, projection: str) -> dict[str, Any]:
    """A camera as Plotly has it."""
    return {
        "eye": _point(camera.eye), "center": _point(camera.center), "up": _point(camera.up),
        "projection": {"type": projection},
    }  # fmt: skip


def _line(name: str, opacity: float = 1.0, **line: Any) -> Trace:
    return {
        "type": "scatter3d", "mode": "lines", "name": name, "hoverinfo": "skip",
        "opacity": opacity, "line": line,
    }  # fmt: skip


def _points(points: npt.NDArray[Any]) -> dict[str, Any]:
    return dict(zip("xyz", points.T, strict=True))


def _gapped(points: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Lines [n, m, 3] one behind the other, with a gap behind each: [n * (m + 1), 3]."""
    gap = np.full((len(points), 1, 3), np.nan, points.dtype)
    return np.concatenate([points, gap], axis=1).reshape(-1, 3)


def _point(values: Sequence[float]) -> dict[str, float]:
    return dict(zip("xyz", values, strict=True))


def low_indices(text: str) -> str:
    """A title with its indices set low, as Plotly reads them."""
    return re.sub(r"_(\w+)", r"<sub>\1</sub>", text)


# ------------------------------------------------------------------------ sheet


def plot_on(on: NetworkSheet) -> dict[str, Any]:
    """The plot for its room on a sheet, so that a browser only draws it.

    stage         left, top, width and height of the room in px
    unit          how much larger than on the page everything is
    data, layout  for Plotly, everything as large as on the sheet
    letters       of the leptons, over the balls, which hide those that Plotly draws among them:
                  x, y and z in the scene, text, size in px, and "aside", px from there to the right
    ink, halo     colours of the letters
    """
    unit, theme = on.page.unit, on.page.theme
    left, top, width, height = (int(value) for value in on.room)
    plot = Plot(on.stage, theme, unit)
    scene, view = plot.scene, plot.view
    assert view.camera is not None  # a sheet has chosen one
    perspective = view.projection == "perspective"
    size = 1.0 if perspective else geometry.orthographic_size(width / unit, height / unit)
    layout = plot.layout(view.camera, size)
    for side in SIDES:
        layout[f"{side}axis"] |= {"showline": True, "linewidth": AXIS * unit}
    leptons = np.flatnonzero((scene.muon | scene.electron) & view.marks).tolist()
    return {
        "stage": [left, top, width, height],
        "unit": unit,
        "data": _plain(
            [_enlarged(one, unit) for one in plot.traces() if one["name"] != "leptons"]
        ),
        "layout": {
            "width": width, "height": height, "showlegend": False,
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0}, "paper_bgcolor": rgba(theme.panel, 0),
            "scene": {**layout, "hovermode": False},
        },
        "letters": [
            {
                **dict(zip("xyz", plot.where.points[track].tolist(), strict=True)),
                "text": "μ" if scene.muon[track] else "e",
                "aside": (BALL * float(plot.sizes[track]) / 2 + 4) * unit, "size": 15 * unit,
            }
            for track in leptons
        ],
        "ink": theme.text,
        "halo": theme.panel,
    }  # fmt: skip


def _enlarged(trace: Trace, unit: float) -> Trace:
    """A trace whose lines and balls are so many times as large; its letters are so already."""

    def more(thing: Trace, *names: str) -> Trace:
        return thing | {name: np.multiply(thing[name], unit) for name in names if name in thing}

    found = {**trace}
    if "line" in trace:
        found["line"] = more(trace["line"], "width")
    if "marker" in trace:
        marker = more(trace["marker"], "size")
        found["marker"] = marker | {"line": more(marker["line"], "width")}
    return found


# ------------------------------------------------------------------------- page


def picture_network(shown: Shown, view: View, panel: Panel, pinned: Shown | None = None) -> Picture:
    """The network plot for the page, of which the script shows a part.

    Its edges depend on the view only where the jet has more than may be shown and a track is
    isolated: then they are those of the track.

    facts  the words of ``Headline``; target, rule, and both of what is pinned as minus, in words
    data  figure: traces ``before`` and ``after`` the edges, ``layout`` of the scene, the first
          ``cameras`` for the panel's size, and what is to be filled: ``rest``, ``bunches`` by
          number, ``chosen``, ``isolated``; edges: see ``_edges``; tracks: see ``_tracks``
    Raises FigureError as ``Stage.of``.
    """
    stage = Stage.of(shown, view, pinned)
    scene = stage.scene
    check_view(scene, stage.view)
    plot = Plot(stage, panel.theme, panel.font / USUAL_TYPE)
    figure = {
        "before": _plain(plot.axis()),
        "after": _plain([*plot.directions(), *plot.marks()]),
        "tracks": _plain(plot.tracks()),
        "rest": plot.rest(),
        "bunches": [plot.strong(number) for number in range(BINS)],
        "chosen": plot.chosen(),
        "isolated": {**_plain(plot.isolated(0)), "wider": ISOLATED},
        "scene": plot.layout(geometry.camera_for(panel.width, panel.height)),
        "cameras": first_cameras(panel.width, panel.height, plot.type),
    }
    label = spoken(shown, "in three dimensions")
    data = {"figure": figure, "edges": _edges(plot), "tracks": _tracks(plot)}
    parts = {
        f"{kind}-{one.number}": direction_part(scene, one)
        for kind, group in (("subjet", scene.subjets), ("b-hadron", scene.b_hadrons))
        for one in group
    }
    parts |= {f"track-{track}": track_part(scene, track) for track in range(scene.n_tracks)}
    facts = asdict(Headline.of(*shown))
    said = [_said(one) for one in (shown, pinned) if one is not None]
    facts |= {"target": said[0][0], "rule": said[0][1], "minus": " · ".join(said[-1])}
    return Picture("network", panel.width, panel.height, (), label, parts, facts=facts, data=data)


def _said(shown: Shown) -> tuple[str, str]:
    """What is explained and by which rule, in words."""
    explanation = shown.explanation
    words = target_words(explanation.target, explanation.classes)
    return words, rule_words(explanation.rule)


def spoken(shown: Shown, where: str) -> str:
    """What a screen reader says of a picture of tracks; "{}" is how many edges are shown."""
    jet = shown.jet
    return (
        f"Jet {jet.index} {where}: {jet.n_tracks} tracks, {{}} of {jet.n_edges} edges. "
        "Left and right go from track to track, the most relevant first; "
        "Enter leaves the edges of one; Escape leaves the tracks."
    )


def _edges(plot: Plot) -> dict[str, Any]:
    """The edges in the order of rank, the most significant first; arrays are ``packed``.

    count, all      how many there are here, of how many in the jet; drawn: how many have a curve
    track           whose edges these are; None: those of all
    usual, most     how many curves are drawn at first and at most
    largest, total  the significance that colours refer to; that of all edges of the jet
    of, tracks      what they hold a share of, in words; how many tracks there are
    number, source, destination, significance   [count]
    faint           limits and numerator of the opacity of the rest, and how many lines it has
    x, y, z         [drawn, STRIDE] float32, NaN behind each curve
    bin             [drawn] uint8, the number of the bunch
    colour, palette [drawn, STRIDE], places in the palette of colours [n, 3], 0 to 255
    sign            [drawn], 0 for relevance against the target, 2 for it, 1 for none
    words, signed   texts by name, [drawn] each; names of those that have the sign of the edge
    shades          colours of significance, evenly spaced from 0 to the largest
    """
    scene, view = plot.scene, plot.view
    alone = view.track if scene.n_edges > geometry.MAX_STRONG else None
    order = scene.order
    if alone is not None and alone < scene.n_tracks:
        own = (scene.source[order] == alone) | (scene.destination[order] == alone)
        order = order[own]
    order = order[:MOST_EDGES]
    bunches = plot.bunches(order, geometry.MAX_STRONG)
    bins = np.repeat([one.bin for one in bunches], [len(one.edges) for one in bunches])
    points = np.concatenate([_gapped(bunch.points) for bunch in bunches])
    colours = np.concatenate([bunch.colours for bunch in bunches]) + 0.5
    gapped = np.concatenate([colours, colours[:, -1:]], axis=1).astype(np.uint32)
    codes = (gapped[..., 0] << 16) | (gapped[..., 1] << 8) | gapped[..., 2]
    palette, places = np.unique(codes, return_inverse=True)
    shades = np.stack([palette >> 16, palette >> 8 & 255, palette & 255], axis=-1)
    drawn = order[: geometry.MAX_STRONG]
    return {
        "count": len(order),
        "all": scene.n_edges,
        "drawn": len(drawn),
        "track": alone,
        "usual": geometry.default_edges(scene.n_edges),
        "most": geometry.MAX_STRONG,
        "stride": STRIDE,
        "largest": plot.stage.scales.significance,
        "total": float(scene.significance.sum()),
        "of": "of the significance" if scene.difference is None else "of the change",
        "tracks": scene.n_tracks,
        "number": packed(order, "uint32"),
        "source": packed(scene.source[order], "uint16"),
        "destination": packed(scene.destination[order], "uint16"),
        "significance": packed(scene.significance[order], "float32"),
        "faint": asdict(geometry.FAINT),
        **{side: packed(points[:, at], "float32") for at, side in enumerate(SIDES)},
        "bin": packed(bins, "uint8"),
        "colour": packed(places, "uint16"),
        "palette": packed(shades, "uint8"),
        "sign": packed(np.sign(scene.signed[drawn]) + 1, "uint8"),
        "words": edge_lines(scene, drawn.tolist()),
        "signed": ["signed relevance", "speaks", "Δ significance", "that is"],
        "shades": [css(rgb) for rgb in scale(plot.theme.sequential)(np.linspace(0, 1, 33))],
    }


def _tracks(plot: Plot) -> dict[str, Any]:
    """The tracks: how many, and in which order keys go through them.

    coloured        what their colour shows
    dim, dim_rims   colours of those that are at neither end of a drawn edge, where one is isolated
    """
    scene = plot.scene
    every = np.ones(scene.n_tracks, bool)
    colours, rims = plot.track_colours(every)
    normal_rims = plot.track_colours()[1]
    return {
        "count": scene.n_tracks,
        "order": scene.tracks_order.tolist(),
        "coloured": coloured_by(scene, plot.view),
        "rims": normal_rims,
        "dim": colours,
        "dim_rims": rims,
    }


def _plain(traces: Any) -> Any:
    """The same with lists in place of arrays."""
    if isinstance(traces, np.ndarray | np.generic):
        return traces.tolist()
    if isinstance(traces, dict):
        return {key: _plain(value) for key, value in traces.items()}
    return [_plain(value) for value in traces] if isinstance(traces, list) else traces


def first_cameras(width: float, height: float, type_size: float = 1.0) -> dict[str, Any]:
    """Where the camera stands at first on the page's stage of so many px, by projection.

    Each: {"camera", "size"}, the size being the length of the box's floor.
    """
    found = {}
    for projection, perspective in (("perspective", True), ("orthographic", False)):
        camera = geometry.camera_for(
            width, height, perspective=perspective, above=TOOLS, type_size=type_size
        )
        size = 1.0 if perspective else geometry.orthographic_size(width, height)
        found[projection] = {"camera": camera_data(camera, projection), "size": size}
    return found
