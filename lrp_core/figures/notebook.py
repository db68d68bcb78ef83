"""Figures for a notebook: the same vertices as on the page, for Plotly to draw and to turn.

The only module here that knows Plotly; it is loaded when a figure is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lrp_core.figures import geometry
from lrp_core.figures.arrangement import Arrangement, arrange
from lrp_core.figures.colours import rgba
from lrp_core.figures.heat_tips import cell_texts
from lrp_core.figures.heatmap import DASH, against, gentle, ramp
from lrp_core.figures.legend import coloured_by
from lrp_core.figures.network import check_view
from lrp_core.figures.numbers import signed, significant, value_words
from lrp_core.figures.part_words import edge_lines, track_part
from lrp_core.figures.picture import Part, Shown
from lrp_core.figures.plot import STRIDE, Plot, low_indices
from lrp_core.figures.provenance import Provenance
from lrp_core.figures.riverbed import lay_out
from lrp_core.figures.scene import Scene
from lrp_core.figures.stage import Stage
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
    """The network plot of the page, with words on tracks and edges and a colour bar.

    Raises FigureError as ``lrp_core.figures.draw_network`` does.
    """
    stage = Stage.of(Shown(jet, explanation), view)
    check_view(stage.scene, view)
    colours = theme_of(theme or view.theme or "light")
    plot = Plot(stage, colours)
    traces = plot.traces()
    for trace in traces:
        edges = trace.get("meta", {}).get("edges")
        if edges is not None:
            says = [f"<b>{_edge_title(stage.scene, edge)}</b>" for edge in edges]
            for name, texts in edge_lines(stage.scene, edges).items():
                says = [f"{one}<br>{name} {text}" for one, text in zip(says, texts, strict=True)]
            trace["text"] = [text for text in says for _ in range(STRIDE)]
            trace["hoverinfo"] = "text"
    tracks = traces[-1]
    tracks["hoverinfo"] = "text"
    tracks["text"] = [_html_of(track_part(stage.scene, n)) for n in range(stage.scene.n_tracks)]
    if coloured_by(stage.scene, view) == "relevance" and view.track is None:
        tracks["marker"] |= _colour_bar(stage, colours)
    perspective = view.projection == "perspective"
    camera = view.camera or geometry.camera_for(*SCENE, perspective=perspective)
    size = 1.0 if perspective else geometry.orthographic_size(*SCENE)
    layout = _sheet(colours, explanation, STAGE) | {
        "uirevision": stage.scene.jet_id,
        "scene": plot.layout(camera, size),
    }
    return NotebookFigure(traces, layout)


def _edge_title(scene: Scene, edge: int) -> str:
    return f"Track {scene.source[edge]} → track {scene.destination[edge]}"


def _html_of(part: Part) -> str:
    lines = [f"{what} {text}" for what, text, _ in part.lines]
    return "<br>".join([f"<b>{part.title}</b>", *lines])


def _colour_bar(stage: Stage, theme: Theme) -> dict[str, Any]:
    """Colours of tracks by their relevance, with a scale beside them."""
    top, count = stage.scales.relevance or 1.0, len(theme.diverging) - 1
    return {
        "color": stage.scene.relevance, "cmin": -top, "cmax": top, "cmid": 0,
        "colorscale": [[n / count, colour] for n, colour in enumerate(theme.diverging)],
        "colorbar": {
            "title": {"text": f"track relevance<br>+ for {stage.scene.stands_for}"},
            "thickness": 12, "len": 0.6, "outlinewidth": 0,
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
        ticktext=[low_indices(column.short) for column in says.columns], row=2, col=1,
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
            f"<b>Track {row.track}: {low_indices(column.title)}</b><br>value {value}<br>"
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
            "bgcolor": rgba(colours.panel, 0.82) if label.kind == "way" else None,
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
