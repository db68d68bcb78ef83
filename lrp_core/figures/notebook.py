"""Figures for a notebook: the same vertices as on the page, for Plotly to draw and to turn.

The only module here that knows Plotly; it is loaded when a figure is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lrp_core.figures import geometry
from lrp_core.figures.arrangement import Arrangement, arrange
from lrp_core.figures.colours import channels, css
from lrp_core.figures.geometry import SIDES, Frame
from lrp_core.figures.heat_tips import cell_texts
from lrp_core.figures.heatmap import DASH, against, gentle, ramp
from lrp_core.figures.legend import coloured_by
from lrp_core.figures.network import DIM, check_view, dimmed, hadron_colour, track_look
from lrp_core.figures.numbers import signed, significant, value_words
from lrp_core.figures.provenance import Provenance
from lrp_core.figures.riverbed import lay_out
from lrp_core.figures.scene import Scales, Scene
from lrp_core.figures.stream import stream
from lrp_core.figures.svg import path_data
from lrp_core.figures.theme import FONT, Theme, theme_of
from lrp_core.figures.view import View

if TYPE_CHECKING:
    from lrp_core.explanation import Explanation
    from lrp_core.jets import Jet

# Nothing that is drawn leaves the machine: no button that uploads it, no server to upload it to.
CONFIG = {"showSendToCloud": False, "displaylogo": False, "plotlyServerURL": ""}
STAGE = (820.0, 640.0)  # px of a figure, unless it is given another size
SCENE = (STAGE[0] - 200, STAGE[1] - 70)  # px that margins and the colour bar leave to the scene
RIVER = (1000.0, 480.0)
MOST_DASHED = 50  # rows of a heat map that are high enough for dashes
SPACE = "&nbsp;"  # a line of nothing below a title, so that it touches nothing


class NotebookFigure(go.Figure):  # type: ignore[misc]  # Plotly has no types
    """A Plotly figure that is shown without the button that uploads it."""

    def show(self, *args: Any, **options: Any) -> Any:
        """As ``plotly.graph_objects.Figure.show``."""
        return super().show(*args, **_safe(options))

    def to_html(self, *args: Any, **options: Any) -> Any:
        """As ``plotly.graph_objects.Figure.to_html``."""
        return super().to_html(*args, **_safe(options))

    def write_html(self, *args: Any, **options: Any) -> Any:
        """As ``plotly.graph_objects.Figure.write_html``."""
        return super().write_html(*args, **_safe(options))

    def _ipython_display_(self) -> None:
        """What a cell of a notebook that ends in the figure does."""
        self.show()


def _safe(options: dict[str, Any]) -> dict[str, Any]:
    return {**options, "config": {**(options.get("config") or {}), **CONFIG}}


# ------------------------------------------------------------------ network plot


def network_figure(
    jet: Jet, explanation: Explanation, view: View, theme: str | None = None
) -> NotebookFigure:
    """The network plot, with the traces of assets/scene.js in their order.

    Raises FigureError as ``lrp_core.figures.draw_network`` does.
    """
    scene = Scene.of(jet, explanation)
    check_view(scene, view)
    colours, scales = theme_of(theme or view.theme or "light"), Scales.of(scene)
    where = geometry.frame(scene, view)
    order = geometry.considered(scene, view)
    k = geometry.shown_edges(scene, view, order)
    traces = []
    if where.angles:
        low, high = where.axes["z"].low, where.axes["z"].high
        line = {"width": 2, "color": colours.muted, "dash": "dash"}
        axis = np.array([[0.0, 0.0, low], [0.0, 0.0, high]])
        traces.append(_line("jet axis", axis, line=line, opacity=0.55))
    rest = geometry.rest_edges(scene, order, where, k)
    traces.append(
        _line("rest", _gapped(rest.points), opacity=rest.opacity,
              line={"width": 1, "color": colours.rest}, visible=len(rest.points) > 0)
    )  # fmt: skip
    bunches = geometry.strong_edges(scene, order, where, k, view=view, theme=colours, scales=scales)
    for bunch in reversed(bunches):
        ends = np.concatenate([bunch.colours, np.zeros((len(bunch.edges), 1, 3))], axis=1)
        says = [_edge_words(scene, edge) for edge in bunch.edges.tolist()]
        traces.append(
            _line(
                f"edges {bunch.bin}", _gapped(bunch.points), opacity=bunch.opacity,
                line={"width": bunch.width, "color": [css(rgb) for rgb in ends.reshape(-1, 3)]},
                visible=len(bunch.edges) > 0, hoverinfo="text",
                text=[text for text in says for _ in range(geometry.SEGMENTS + 2)],
            )
        )  # fmt: skip
    if view.edge is not None:
        edge = np.array([view.edge])
        points = geometry.curves(where, scene.source[edge], scene.destination[edge])[0]
        line = {"width": 8, "color": colours.text}
        traces.append(_line("chosen edge", points, line=line, opacity=0.35))
    if where.angles:
        traces += _directions(scene, view, where, colours)
    traces += _marks(scene, view, where, colours, scales)
    traces.append(_tracks(scene, view, where, colours, scales, order, k))
    return NotebookFigure(traces, _scene_layout(scene, view, where, colours, explanation))


def _points(points: npt.NDArray[Any]) -> dict[str, Any]:
    return dict(zip("xyz", points.T, strict=True))


def _gapped(points: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """[n, m, 3] -> [n * (m + 1), 3], with a gap behind each line."""
    gap = np.full((len(points), 1, 3), np.nan, points.dtype)
    return np.concatenate([points, gap], axis=1).reshape(-1, 3)


def _line(name: str, points: npt.NDArray[Any], **more: Any) -> go.Scatter3d:
    more.setdefault("hoverinfo", "skip")
    return go.Scatter3d(name=name, mode="lines", **_points(points), **more)


def _html(text: str) -> str:
    """Indices set low, as Plotly reads them."""
    return re.sub(r"_(\w+)", r"<sub>\1</sub>", text)


def _edge_words(scene: Scene, edge: int) -> str:
    source, destination = int(scene.source[edge]), int(scene.destination[edge])
    return (
        f"<b>Edge {source} → {destination}</b><br>significance "
        f"{significant(float(scene.significance[edge]))}<br>signed relevance "
        f"{signed(float(scene.signed[edge]))}"
    )


def _directions(scene: Scene, view: View, where: Frame, theme: Theme) -> list[go.Scatter3d]:
    """Upright lines with a name: the subjets, and the b-hadrons of the simulation."""
    traces = []
    below = bool(scene.b_hadrons)
    ink = hadron_colour(scene, view, theme)
    kinds = [(one, "subjet", "j", theme.muted, "longdash", below) for one in scene.subjets]
    kinds += [(one, "b-hadron", "b", ink, "dot", False) for one in scene.b_hadrons]
    for one, kind, letter, colour, dash, under in kinds:
        name = f"{kind} {one.number}"
        line = {"width": 2, "color": colour, "dash": dash}
        points = geometry.direction(where, one)
        traces.append(_line(f"direction of {name}", points, line=line, opacity=0.6))
        z = where.axes["z"].low if under else where.axes["z"].high
        traces.append(
            go.Scatter3d(
                name=f"name of {name}", mode="text", hoverinfo="skip",
                x=[one.etarel], y=[one.phirel], z=[z], text=[f"{letter}<sub>{one.number}</sub>"],
                textposition="bottom center" if under else "top center",
                textfont={"size": 14, "color": colour, "family": FONT},
            )
        )  # fmt: skip
    return traces


def _rgba(colour: str, opacity: float) -> str:
    return f"rgba({','.join(f'{value:g}' for value in channels(colour))},{opacity:g})"


def _marks(
    scene: Scene, view: View, where: Frame, theme: Theme, scales: Scales
) -> list[go.Scatter3d]:
    """Rings around displaced tracks, letters beside leptons, a ring around the chosen track."""
    diameters, points = geometry.sizes(scene, view, scales), where.points
    traces = []
    displaced = np.flatnonzero(scene.displaced)
    leptons = np.flatnonzero(scene.muon | scene.electron)
    clear = _rgba(theme.text, 0)
    if view.marks and len(displaced):
        traces.append(
            go.Scatter3d(
                name="displaced", mode="markers", hoverinfo="skip", **_points(points[displaced]),
                marker={
                    "symbol": "circle", "color": clear, "opacity": 1,
                    "size": diameters[displaced] + 7,
                    "line": {"width": 1, "color": _rgba(theme.text, 0.75)},
                },
            )
        )  # fmt: skip
    if view.marks and len(leptons):
        traces.append(
            go.Scatter3d(
                name="leptons", mode="text", hoverinfo="skip", **_points(points[leptons]),
                text=["<b>μ</b>" if scene.muon[track] else "<b>e</b>" for track in leptons],
                textposition="middle right",
                textfont={"size": 15, "color": theme.text, "family": FONT},
            )
        )  # fmt: skip
    if view.track is not None:
        size = float(diameters[view.track])
        traces.append(
            go.Scatter3d(
                name="isolated", mode="markers", hoverinfo="skip",
                **_points(points[[view.track, view.track]]),
                marker={
                    "symbol": "circle", "size": [size + 8, size + 9.2], "color": clear,
                    "line": {"width": 1, "color": theme.accent},
                },
            )
        )  # fmt: skip
    return traces


def _tracks(
    scene: Scene,
    view: View,
    where: Frame,
    theme: Theme,
    scales: Scales,
    order: npt.NDArray[np.int64],
    k: int,
) -> go.Scatter3d:
    """The tracks as balls; the last trace."""
    colours, shapes = track_look(scene, view, theme, scales)
    rims = np.tile(channels(theme.outline), (scene.n_tracks, 1))
    dim = dimmed(scene, view, order, k)
    if dim is not None:
        ground = channels(theme.panel)
        colours[dim] = ground + (colours[dim] - ground) * DIM
        rims[dim] = ground + (rims[dim] - ground) * DIM
    says = [
        f"<b>Track {track}</b><br>p<sub>T</sub> {significant(float(scene.pt[track]))} GeV<br>"
        f"relevance {signed(float(scene.relevance[track]))}"
        for track in range(scene.n_tracks)
    ]
    marker: dict[str, Any] = {
        "size": geometry.sizes(scene, view, scales),
        "color": [css(rgb) for rgb in colours],
        "symbol": shapes,
        "opacity": 1,
        "line": {"width": 1, "color": [css(rgb) for rgb in rims]},
    }
    if coloured_by(scene, view) == "relevance" and dim is None:
        top = scales.relevance or 1.0
        count = len(theme.diverging) - 1
        marker |= {
            "color": scene.relevance, "cmin": -top, "cmax": top, "cmid": 0, "symbol": "circle",
            "colorscale": [[n / count, colour] for n, colour in enumerate(theme.diverging)],
            "line": {"width": 1, "color": theme.outline},
            "colorbar": {
                "title": {"text": f"track relevance<br>+ for {scene.stands_for}"},
                "thickness": 12, "len": 0.6, "outlinewidth": 0,
            },
        }  # fmt: skip
    return go.Scatter3d(
        name="tracks", mode="markers", hoverinfo="text", text=says, **_points(where.points),
        marker=marker,
    )  # fmt: skip


def _scene_layout(
    scene: Scene, view: View, where: Frame, theme: Theme, explanation: Explanation
) -> dict[str, Any]:
    perspective = view.projection == "perspective"
    camera = view.camera or geometry.camera_for(*SCENE, perspective=perspective)
    size = 1.0 if perspective else geometry.orthographic_size(*SCENE)
    mute = geometry.along_axis(camera)

    def point(values: Sequence[float]) -> dict[str, float]:
        return dict(zip("xyz", values, strict=True))

    axes = {}
    for side in SIDES:
        along = where.axes[side]
        title = "" if side == mute else _html(along.title)
        axes[f"{side}axis"] = {
            "showticklabels": side != mute,
            "title": {"text": title, "font": {"size": 13, "color": theme.text}},
            "tickfont": {"size": 11, "color": theme.muted},
            "gridcolor": theme.grid, "linecolor": theme.grid, "zeroline": False,
            "showbackground": False, "showspikes": False, "gridwidth": 1,
            "range": [along.low, along.high],
            "tickmode": "array", "tickvals": along.tickvals, "ticktext": along.ticktext,
        }  # fmt: skip
    return {
        **_sheet(theme, explanation, STAGE),
        "uirevision": scene.jet_id,
        "scene": {
            "camera": {
                "eye": point(camera.eye), "center": point(camera.center), "up": point(camera.up),
                "projection": {"type": view.projection},
            },
            "dragmode": "orbit",
            "aspectmode": "manual",
            "aspectratio": point([size, size, size * geometry.HEIGHT_OF_BOX]),
            **axes,
        },
    }  # fmt: skip


def _sheet(theme: Theme, explanation: Explanation, size: tuple[float, float]) -> dict[str, Any]:
    """What all figures have: ground, type, and the provenance in small type."""
    caption = Provenance.of(explanation).caption()
    return {
        "width": size[0],
        "height": size[1],
        "paper_bgcolor": theme.panel,
        "plot_bgcolor": theme.panel,
        "font": {"family": FONT, "color": theme.text, "size": 12},
        "showlegend": False,
        "margin": {"l": 10, "r": 10, "t": 20, "b": 30},
        "title": {
            "text": caption, "font": {"size": 9, "color": theme.muted}, "automargin": False,
            "xref": "container", "x": 0.01, "xanchor": "left",
            "yref": "container", "y": 0.008, "yanchor": "bottom",
        },
    }  # fmt: skip


# ---------------------------------------------------------------------- heat map


def heatmap_figure(
    jet: Jet, explanation: Explanation, view: View, theme: str | None = None
) -> NotebookFigure:
    """The heat map: cells in the colours of the page, with the sums of columns and rows."""
    scene = Scene.of(jet, explanation)
    colours, says = theme_of(theme or view.theme or "light"), arrange(scene, view)
    figure = make_subplots(
        rows=2, cols=2, shared_xaxes=True, shared_yaxes=True, row_heights=[0.16, 0.84],
        column_widths=[0.88, 0.12], horizontal_spacing=0.01, vertical_spacing=0.015,
    )  # fmt: skip
    stops, places = ramp(colours), (-1.0, -0.5, 0.0, 0.5, 1.0)
    figure.add_trace(
        go.Heatmap(
            z=gentle(says.shares),
            x=np.arange(len(says.columns)), y=np.arange(len(says.rows)), zmin=-1, zmax=1,
            colorscale=[[n / 4, colour] for n, colour in enumerate(stops)],
            text=_cell_words(scene, says), hoverinfo="text", xgap=1, ygap=1, name="relevance",
            colorbar={
                "tickvals": list(places), "thickness": 12, "outlinewidth": 0,
                "ticktext": [signed(at * abs(at) * says.most, 2) if at else "0" for at in places],
                "title": {"text": f"relevance<br>+ for {scene.stands_for}<br>{SPACE}"},
            },
        ),
        row=2, col=1,
    )  # fmt: skip
    if len(says.rows) <= MOST_DASHED:
        figure.add_trace(_dashes(says, colours), row=2, col=1)
    columns = [column.sums.net for column in says.columns]
    for number, sums in enumerate((columns, [row.sums.net for row in says.rows])):
        ink = [colours.positive if value >= 0 else colours.negative for value in sums]
        places_of = np.arange(len(sums))
        along = {"x": places_of, "y": sums} if number == 0 else {"x": sums, "y": places_of}
        text = [signed(value) for value in sums]
        bars = go.Bar(
            **along, marker={"color": ink}, orientation="v" if number == 0 else "h",
            hovertext=text, hoverinfo="text", name="sum",
        )  # fmt: skip
        figure.add_trace(bars, row=1 + number, col=1 + number)
    layout = _sheet(colours, explanation, (1100.0, 640.0))
    figure.update_layout(**layout)
    figure.update_layout(bargap=0.25)
    line = {"zeroline": False, "showgrid": False}
    figure.update_xaxes(**line)
    figure.update_yaxes(**line)
    figure.update_xaxes(
        tickvals=list(range(len(says.columns))), tickangle=-55, automargin=True,
        ticktext=[_html(column.short) for column in says.columns], row=2, col=1,
        title={"text": f"feature<br>{SPACE}", "standoff": 6, "font": {"color": colours.muted}},
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(says.rows))), autorange="reversed", automargin=True,
        ticktext=[
            f"{row.track} · {significant(float(scene.pt[row.track]), 2)} GeV" for row in says.rows
        ],
        row=2, col=1,
    )  # fmt: skip
    return NotebookFigure(figure)


def _dashes(says: Arrangement, theme: Theme) -> go.Scatter:
    """A dash in each cell that speaks strongly against."""
    rows, columns = np.nonzero(against(says.shares))
    start, end = (columns - 0.5 + share for share in DASH)
    gap = np.full(len(rows), np.nan)
    return go.Scatter(
        x=np.stack([start, end, gap], axis=1).ravel(), y=np.repeat(rows, 3), mode="lines",
        line={"color": theme.panel, "width": 1.1}, hoverinfo="skip", name="against",
    )  # fmt: skip


def _cell_words(scene: Scene, says: Arrangement) -> list[list[str]]:
    texts = cell_texts(scene, says)
    return [
        [
            f"<b>Track {row.track}: {_html(column.title)}</b><br>value {value}<br>"
            f"relevance {relevance}"
            for column, value, relevance in zip(says.columns, values, relevances, strict=True)
        ]
        for row, values, relevances in zip(
            says.rows, texts["values"], texts["relevances"], strict=True
        )
    ]


# ------------------------------------------------------------------------- river


def river_figure(explanation: Explanation, theme: str = "light") -> NotebookFigure:
    """The river of relevance, in the lanes of the page."""
    colours = theme_of(theme)
    width, height = RIVER
    bed = lay_out(
        explanation.ledger, value=explanation.value, tracks=explanation.totals.tracks,
        width=width, height=height, font=12.0,
        value_words=value_words(explanation.target, explanation.classes),
    )  # fmt: skip
    shapes: list[dict[str, Any]] = [
        {
            "type": "rect", "x0": zone.x0 + 1, "x1": zone.x1 - 1, "y0": 0, "y1": height,
            "fillcolor": colours.raised, "opacity": 0.42, "line": {"width": 0},
        }
        for zone in bed.zones
    ]  # fmt: skip
    middles: list[tuple[float, float]] = []
    says = []
    flows = sorted(bed.ribbons, key=lambda one: (one.kind in ("way", "pass"), -one.drawn))
    for ribbon in flows:
        ink = colours.positive if ribbon.value >= 0 else colours.negative
        account = ribbon.kind in ("bias", "epsilon")
        shapes.append(
            {
                "type": "path", "path": path_data(stream(ribbon.points, ribbon.drawn)[0]),
                "fillcolor": ink, "opacity": 0.5 if account else 0.85, "line": {"width": 0},
            }
        )  # fmt: skip
        for (x0, y0), (x1, y1) in zip(ribbon.points, ribbon.points[1:], strict=False):
            middles.append(((x0 + x1) / 2, (y0 + y1) / 2))
            says.append(f"<b>{ribbon.id}</b><br>relevance {signed(ribbon.value)}")
    for bar in bed.bars:
        shapes.append(
            {
                "type": "rect", "x0": bar.x, "x1": bar.x + bar.width, "y0": bar.y - 1,
                "y1": bar.y + bar.height + 1, "fillcolor": colours.text, "line": {"width": 0},
                "opacity": 0.55 if bar.through else 1,
            }
        )  # fmt: skip
    points = np.array(middles)
    hover = go.Scatter(
        x=points[:, 0], y=points[:, 1], mode="markers", hoverinfo="text", text=says,
        marker={"size": 18, "opacity": 0}, name="branches",
    )  # fmt: skip
    layout = _sheet(colours, explanation, (width + 20, height + 50))
    anchors = {"start": "left", "middle": "center", "end": "right"}
    layout["annotations"] = [
        {
            "text": f"<b>{label.text}</b>" if label.strong or label.kind == "way" else label.text,
            "x": label.x, "y": label.y, "showarrow": False, "xanchor": anchors[label.anchor],
            "yanchor": "middle", "font": {"size": 12, "color": colours.text},
            # on a branch there is a ground below, as its own colour hides what is written there
            "bgcolor": _rgba(colours.panel, 0.82) if label.kind == "way" else None,
        }
        for label in bed.labels
    ]  # fmt: skip
    hidden = {"visible": False, "fixedrange": True}
    layout |= {
        "shapes": shapes,
        "xaxis": {"range": [0, width], **hidden},
        "yaxis": {"range": [height, 0], **hidden},
    }
    return NotebookFigure([hover], layout)
