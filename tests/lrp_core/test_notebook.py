"""Figures for notebooks and tables: asserted as data."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from lrp_core.checkpoint import load_model
from lrp_core.errors import FigureError
from lrp_core.explainer import explain
from lrp_core.explanation import load_explanation
from lrp_core.figures import View, geometry
from lrp_core.figures.arrangement import arrange
from lrp_core.figures.scene import Scales, Scene
from lrp_core.figures.theme import LIGHT
from lrp_core.reading import open_jets


@pytest.fixture(scope="module")
def explanation():
    return explain(load_model(), open_jets()[96])


def named(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def test_the_network_plot_has_the_vertices_of_the_page(explanation):
    figure = explanation.plot3d(edges=60, edgecolor="relevance")
    scene = Scene.of(explanation.jet, explanation)
    view = View(edges=60, edgecolor="relevance")
    where, order = geometry.frame(scene, view), scene.order
    bunches = geometry.strong_edges(
        scene, order, where, 60, view=view, theme=LIGHT, scales=Scales.of(scene)
    )
    for bunch in bunches:
        trace = named(figure, f"edges {bunch.bin}")
        assert trace.line.width == bunch.width
        assert trace.visible == (len(bunch.edges) > 0)
        kept = ~np.isnan(np.asarray(trace.x, dtype=float))
        points = np.stack([np.asarray(trace[side])[kept] for side in "xyz"], axis=1)
        np.testing.assert_array_equal(points, bunch.points.reshape(-1, 3))
        assert len(trace.text) == len(trace.x) == len(trace.line.color)
    tracks = figure.data[-1]
    np.testing.assert_array_equal(tracks.x, where.axes["x"].values)
    assert tracks.marker.cmin == -tracks.marker.cmax < 0
    assert "relevance" in tracks.text[0]
    assert tuple(figure.layout.scene.zaxis.ticktext) == tuple(where.axes["z"].ticktext)
    assert figure.layout.scene.aspectratio.z == geometry.HEIGHT_OF_BOX
    names = {trace.name for trace in figure.data}
    assert {"jet axis", "rest", "direction of b-hadron 1", "direction of subjet 2"} <= names


def test_a_view_and_its_keys_are_drawn(explanation):
    view = View.from_link("?track=3&color=origin&projection=orthographic&theme=dark&edge=5")
    figure = explanation.plot3d(view=view, edges=4)
    assert figure.layout.paper_bgcolor == "#0f162b"
    assert figure.layout.scene.camera.projection.type == "orthographic"
    assert named(figure, "chosen edge").line.width == 8
    assert named(figure, "isolated").marker.line.color == "#58d3ac"
    colours = set(figure.data[-1].marker.color)
    assert len(colours) > 3  # origins, and those that are not looked at duller
    with pytest.raises(FigureError, match="'colour' is no key of a view; the keys are file, "):
        explanation.plot3d(colour="origin")
    with pytest.raises(FigureError, match="track=999"):
        explanation.plot3d(track=999)


def test_the_heat_map_shows_the_cells(explanation):
    figure = explanation.plot_heatmap(rows="all", theme="dark")
    says = arrange(Scene.of(explanation.jet, explanation), View(rows="all"))
    cells = figure.data[0]
    share = says.cells / says.most
    np.testing.assert_allclose(np.sign(cells.z) * np.square(cells.z), share, atol=1e-12)
    assert cells.zmax == -cells.zmin == 1
    columns, rows = (trace for trace in figure.data if trace.name == "sum")
    np.testing.assert_allclose(columns.y, [column.sums.net for column in says.columns])
    np.testing.assert_allclose(rows.x, [row.sums.net for row in says.rows])
    assert len(cells.text) == explanation.jet.n_tracks


def test_the_river_has_a_shape_for_each_branch(explanation):
    figure = explanation.plot_river(theme="dark")
    paths = [shape for shape in figure.layout.shapes if shape.type == "path"]
    entries = [
        v for row in explanation.ledger for v in (row.bias, row.epsilon, *row.passed.values())
    ]
    assert len(paths) == sum(value != 0 for value in entries) + 1  # and the one from the output
    assert any("margin of" in note.text for note in figure.layout.annotations)


def test_every_figure_says_where_it_comes_from(explanation):
    for figure in (explanation.plot3d(), explanation.plot_heatmap(), explanation.plot_river()):
        assert explanation.checkpoint_hash[:8] in figure.layout.title.text


def test_nothing_is_uploaded(explanation):
    page = explanation.plot_river().to_html(include_plotlyjs=False, config={"scrollZoom": True})
    assert '"showSendToCloud": false' in page
    assert '"scrollZoom": true' in page
    assert "cloud.plotly.com" not in page.replace("plotlyServerURL", "")


def test_an_explanation_from_a_file_needs_its_jet(explanation, tmp_path):
    read = load_explanation(explanation.save(tmp_path / "one.npz"))
    assert read.jet is None
    with pytest.raises(FigureError, match="does not hold its jet; give it"):
        read.plot3d()
    assert len(read.plot3d(explanation.jet).data) == len(explanation.plot3d().data)
    with pytest.raises(FigureError, match="give the jet that was explained"):
        read.plot_heatmap(open_jets()[0])
    assert len(read.plot_river().layout.shapes) > 10


def test_tables_hold_the_numbers_of_the_explanation(explanation):
    tracks, edges = explanation.to_pandas()
    jet = explanation.jet
    assert tracks.index.name == "track"
    assert len(tracks) == jet.n_tracks
    relevance = [f"{name}_relevance" for name in explanation.features]
    np.testing.assert_allclose(
        tracks[relevance].sum(axis=1), tracks["relevance"], rtol=1e-4, atol=1e-6
    )
    np.testing.assert_array_equal(tracks["track_pt"], jet.column("track_pt"))
    assert list(edges.columns) == [
        "rank", "source", "destination", "significance", "signed_relevance",
    ]  # fmt: skip
    assert edges.index.name == "edge"
    assert edges["significance"].is_monotonic_decreasing
    best = edges.iloc[0]
    number = edges.index[0]
    assert best["rank"] == 1
    assert (best["source"], best["destination"]) == tuple(jet.edge_index[:, number])
    assert best["significance"] == explanation.edge_significance.max()
    bare = dataclasses.replace(explanation, jet=None).to_pandas().tracks
    assert list(bare.columns) == ["relevance", *relevance]


def test_plotly_is_loaded_when_a_figure_is_asked_for():
    code = (
        "import sys, lrp_core.explanation, lrp_core.figures as f; f.draw_network, f.to_svg;"
        "print([m for m in ('plotly', 'dash', 'fastapi') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
