"""The network plot as data: where edges are, how wide, in which colour; what the page gets."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any, cast

import numpy as np
import pytest

from lrp_core.checkpoint import load_model
from lrp_core.explainer import explain
from lrp_core.figures import geometry
from lrp_core.figures.colours import channels
from lrp_core.figures.legend import SHAPES, Legend
from lrp_core.figures.legend_column import picture_legend
from lrp_core.figures.picture import Panel, Shown
from lrp_core.figures.plot import STRIDE, Plot, first_cameras, picture_network
from lrp_core.figures.scene import Direction, Scales, Scene
from lrp_core.figures.stage import Stage
from lrp_core.figures.theme import DARK, LIGHT
from lrp_core.figures.view import View
from lrp_core.jets import Jet, complete_graph
from lrp_core.reading import open_jets
from lrp_core.truth import Origin

PANEL = Panel(800, 500, 14, DARK)


def toy(n_tracks: int = 6, seed: int = 0, *, columns: Any = None, **more: Any) -> Scene:
    """A scene of random numbers; ``columns`` are features of its own, ``more`` fields."""
    random = np.random.default_rng(seed)
    edges = more.pop("edges", complete_graph(n_tracks))
    significance = random.pareto(2.0, edges.shape[1])
    values = {
        "track_etarel": random.normal(0, 0.2, n_tracks),
        "track_phirel": random.normal(0, 0.2, n_tracks),
        "track_pt": 10 ** random.normal(0.8, 0.4, n_tracks),
        "track_charge": np.where(np.arange(n_tracks) % 2, -1.0, 1.0),
        **(columns or {}),
    }
    given: dict[str, Any] = {
        "jet_id": "toy:3",
        "values": {name: np.asarray(value, float) for name, value in values.items()},
        "relevance": random.normal(0, 1, n_tracks),
        "features": tuple(values),
        "by_feature": np.zeros((n_tracks, len(values))),
        "significance": significance / max(significance.sum(), 1e-30),
        "signed": random.normal(0, 0.01, edges.shape[1]),
        "source": edges[0].astype(np.int64),
        "destination": edges[1].astype(np.int64),
        "origin": None,
        "b": None,
        "b_hadrons": (),
        "subjets": (),
        "stands_for": "H→bb̄",
        "value_words": "margin of H→bb̄",
        "explanation": cast(Any, None),
        **more,
    }
    return Scene(**given)


def plot_of(scene: Scene, view: View = View(), theme: Any = DARK) -> Plot:  # noqa: B008
    return Plot(Stage(scene, view, Scales.of(scene)), theme)


def named(traces: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(trace for trace in traces if trace["name"] == name)


def names(traces: list[dict[str, Any]]) -> list[str]:
    return [trace["name"] for trace in traces]


# ------------------------------------------------------------------------ edges


def test_the_strongest_edges_fill_bunches_of_falling_width():
    scene = toy(12)
    bunches = plot_of(scene).bunches(scene.order, 40)
    assert [bunch.bin for bunch in bunches] == list(range(7, -1, -1))
    widths = [bunch.width for bunch in bunches]
    assert widths == sorted(widths, reverse=True)
    assert np.concatenate([bunch.edges for bunch in bunches]).tolist() == scene.order[:40].tolist()
    for bunch in bunches:
        share = scene.significance[bunch.edges] / scene.significance.max()
        assert ((share * 8).astype(int).clip(0, 7) == bunch.bin).all()


@pytest.mark.parametrize("height", ["log:track_pt", "track_pt", "track_charge"])
def test_a_curve_runs_from_its_source_to_its_destination(height):
    scene = toy(5)
    plot = plot_of(scene, View(z=height))
    points = plot.where.points
    for bunch in plot.bunches(scene.order, 20):
        np.testing.assert_allclose(bunch.points[:, 0], points[scene.source[bunch.edges]], atol=1e-4)
        ends = points[scene.destination[bunch.edges]]
        np.testing.assert_allclose(bunch.points[:, -1], ends, atol=1e-4)


def test_there_and_back_bend_apart_and_straight_up_bends_too():
    scene = toy(2)
    plot = plot_of(scene)
    curves = np.concatenate([bunch.points for bunch in plot.bunches(scene.order, 2)])
    one, other = curves[:, 4] - plot.where.points.mean(axis=0)
    np.testing.assert_allclose(one, -other, atol=1e-5)
    assert np.abs(one).max() > 1e-3
    upright = toy(2, columns={"track_etarel": [0.1, 0.1], "track_phirel": [0.2, 0.2]})
    curves = np.concatenate([one.points for one in plot_of(upright).bunches(upright.order, 2)])
    assert np.isfinite(curves).all()
    assert np.abs(curves[:, 4, :2] - [0.1, 0.2]).max() > 1e-3


def test_the_colour_brightens_towards_the_destination():
    scene = toy(4)
    (first, *_), last = plot_of(scene).bunches(scene.order, 1)[0].colours[0], DARK.sequential[-1]
    colours = plot_of(scene).bunches(scene.order, 1)[0].colours[0]
    np.testing.assert_allclose(colours[-1], channels(last), atol=1e-9)
    assert first.sum() < colours[-1].sum()


def test_edges_are_coloured_by_what_they_speak_for():
    scene = toy(2, signed=np.array([-0.3, 0.15]))
    bunches = plot_of(scene, View(edgecolor="relevance")).bunches(scene.order, 2)
    ends = {
        int(edge): colours[-1]
        for bunch in bunches
        for edge, colours in zip(bunch.edges, bunch.colours, strict=True)
    }
    np.testing.assert_allclose(ends[0], channels(DARK.diverging[0]), atol=1e-9)
    place = 4 * (0.5 + 0.5 * np.sqrt(0.5)) - 3  # the square root shows the smaller one too
    low, high = channels(DARK.diverging[3]), channels(DARK.diverging[4])
    np.testing.assert_allclose(ends[1], low + place * (high - low), atol=1e-9)


def test_a_graph_of_its_own_is_followed():
    edges = np.array([[0, 3, 3], [1, 2, 0]])
    scene = toy(4, edges=edges, significance=np.array([0.2, 0.5, 0.3]))
    assert scene.order.tolist() == [1, 2, 0]
    edges_of = [list(trace["meta"]["edges"]) for trace in plot_of(scene, View(edges=3)).traces()
                if trace.get("meta", {}).get("kind") == "edges" and trace["visible"]]  # fmt: skip
    assert sorted(edge for edges in edges_of for edge in edges) == [0, 1, 2]


@pytest.mark.parametrize("n_tracks", [1, 2, 3])
def test_small_jets_have_a_picture(n_tracks):
    n_edges = n_tracks * (n_tracks - 1)
    scene = toy(n_tracks, significance=np.zeros(n_edges))
    traces = plot_of(scene, View(edges=n_edges)).traces()
    drawn = [len(trace["meta"]["edges"]) for trace in traces if "edges" in trace.get("meta", {})]
    assert sum(drawn) == n_edges
    assert names(traces)[-1] == "tracks"


def test_how_many_edges_at_first_and_from_a_least_significance_on():
    assert [geometry.default_edges(n) for n in (0, 2, 650, 13806)] == [0, 1, 130, 150]
    scene = toy(3, significance=np.array([0.4, 0.05, 0.25, 0.2, 0.1, 0.0]))
    shown = [geometry.shown_edges(scene, View(least=least), scene.order)
             for least in (0, 0.1, 0.2001, 0.5)]  # fmt: skip
    assert shown == [6, 4, 2, 0]


@pytest.mark.parametrize(
    ("ways", "chosen"),
    [
        ("out", lambda source, destination: source == 2),
        ("in", lambda source, destination: destination == 2),
        ("both", lambda source, destination: 2 in (source, destination)),
    ],
)
def test_only_the_edges_of_one_track_are_considered(ways, chosen):
    scene = toy(6)
    order = geometry.considered(scene, View(track=2, ways=ways))
    ends = list(zip(scene.source.tolist(), scene.destination.tolist(), strict=True))
    assert sorted(order.tolist()) == [n for n, (i, j) in enumerate(ends) if chosen(i, j)]
    assert order.tolist() == [edge for edge in scene.order.tolist() if edge in order]
    traces = plot_of(scene, View(track=2, ways=ways, edges=1)).traces()
    marker = named(traces, "tracks")["marker"]
    assert len(set(marker["line"]["color"])) == 2  # those at no drawn edge are duller
    assert len(named(traces, "isolated")["x"]) == 2


# ------------------------------------------------------------------------- axes


def test_both_angles_share_one_scale_around_the_jet_axis():
    scene = toy(9)
    plot = plot_of(scene)
    x, y = plot.where.axes["x"], plot.where.axes["y"]
    assert (x.low, x.high) == (y.low, y.high) == (-x.high, x.high)
    assert x.high >= np.abs([*x.values, *y.values]).max()
    layout = plot.layout(geometry.camera_for(800, 500))
    assert layout["xaxis"]["range"] == layout["yaxis"]["range"] == [x.low, x.high]
    assert layout["xaxis"]["title"]["text"] == "sign(η<sub>jet</sub>) · Δη"
    assert "GeV" in layout["zaxis"]["title"]["text"]


def test_an_axis_can_have_any_feature():
    scene = toy(5, columns={"trackBTag_Sip3dSig": [-2.0, 0.0, 3.0, 11.0, 1.0]})
    where = geometry.frame(scene, View(x="trackBTag_Sip3dSig"))
    axis = where.axes["x"]
    assert axis.low < -2 < 11 < axis.high
    assert axis.title == "Sip3D sig."
    assert not where.angles
    # what has values that are not positive has no logarithm, and what is not there no axis
    assert not geometry.axis_of(scene, "log:trackBTag_Sip3dSig").log
    assert geometry.frame(scene, View(x="no_such")).axes["x"].name == "track_etarel"


@pytest.mark.parametrize(
    ("least", "most", "texts"),
    [
        (1.1, 1.7, ["1.2", "1.4", "1.6"]),
        (1, 1000, ["1", "3", "10", "30", "100", "300", "1000"]),
        (2, 90, ["2", "5", "10", "20", "50"]),
        (1e-3, 1e3, ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]),
    ],
)
def test_logarithmic_axes_always_have_ticks(least, most, texts):
    values, found = geometry.log_ticks(np.log10(least), np.log10(most))
    assert found == texts or set(texts) <= set(found)
    assert len(values) == len(found) >= 2


def test_the_camera_steps_back_on_a_narrow_stage_and_under_buttons():
    eyes = [geometry.camera_for(*size).eye[0] for size in ((500, 600), (1200, 700))]
    assert eyes[0] > eyes[1]
    assert geometry.camera_for(0, 0) == geometry.camera_for(800, 600)
    usual, large = (first_cameras(900, 500, size)["perspective"] for size in (1.0, 1.6))
    assert np.hypot(*list(large["camera"]["eye"].values())[:2]) >= np.hypot(
        *list(usual["camera"]["eye"].values())[:2]
    )
    assert first_cameras(900, 500)["orthographic"]["size"] <= geometry.LARGE


# ------------------------------------------------------------------------ tracks


def test_tracks_are_coloured_by_origin_charge_or_relevance():
    origin = np.array([0, 1, 3, 1, 6, 7])
    scene = toy(6, origin=origin, b=np.array([0, 1, 1, 2, 0, 0]))
    marker = plot_of(scene, View(color="origin")).tracks()["marker"]
    assert marker["color"] == [DARK.origins[code] for code in origin]
    assert marker["symbol"] == [SHAPES[code] for code in origin]
    assert len(SHAPES) == len(Origin)
    marker = plot_of(scene, View(color="charge")).tracks()["marker"]
    assert marker["symbol"] == ["circle", "diamond"] * 3
    assert len(set(marker["color"])) == 2
    plain = plot_of(toy(6), View(color="origin")).tracks()["marker"]  # it is not known
    assert plain == plot_of(toy(6)).tracks()["marker"]
    found = Legend.of(scene, View(color="origin"), Scales.of(scene))
    assert [(one.title, one.count) for one in found.origins] == [
        ("prompt", 1), ("b-hadron decay", 2), ("V0", 1), ("pileup", 1), ("fake", 1),
    ]  # fmt: skip
    assert [(one.title, one.count) for one in found.charges] == [("positive", 3), ("negative", 3)]


def test_marked_tracks_are_ringed_lettered_and_counted():
    columns = {"trackBTag_Sip3dSig": [0, 3, 3.1, 9], "track_isMu": [0, 1, 0, 0]}
    scene = toy(4, columns=columns)
    on, off = (plot_of(scene, View(marks=marks)).traces() for marks in (True, False))
    tracks = named(on, "tracks")
    assert named(on, "displaced")["x"].tolist() == tracks["x"].tolist()[2:]
    assert named(on, "leptons")["text"] == ["<b>μ</b>"]
    assert named(on, "leptons")["x"].tolist() == tracks["x"].tolist()[1:2]
    assert not {"displaced", "leptons"} & set(names(off))
    marks = Legend.of(scene, View(), Scales.of(scene)).marks
    assert [(title.split(":")[0], count) for _, title, count in marks] == [
        ("muon", 1), ("displaced", 2),
    ]  # fmt: skip


def test_sizes_follow_what_is_asked_and_two_jets_have_one_scale():
    one, other = toy(5, seed=1), toy(5, seed=2)
    both = Scales.of(one, other)
    for name in ("significance", "signed", "relevance", "pt"):
        own = [getattr(Scales.of(scene), name) for scene in (one, other)]
        assert getattr(both, name) == max(own)
    size = plot_of(one, View(size="relevance")).tracks()["marker"]["size"]
    assert np.argsort(size).tolist() == np.argsort(np.abs(one.relevance)).tolist()


def test_the_legend_shows_true_significances_from_zero():
    scene = toy(3, significance=np.array([0.021, 0.01, 0.005, 0.002, 0.001, 0.0]))
    says = Legend.of(scene, View(), Scales.of(scene))
    assert says.significance[0].text == "0"
    assert says.significance[-1].text == "0.021"
    widths = [step.width for step in says.steps]
    assert widths == sorted(widths)
    assert len(widths) == 8
    assert [tick.at for tick in says.relevance] == [1, 0.5, 0, -0.5, -1]


# -------------------------------------------------------------------- directions


def test_directions_are_drawn_where_they_fly():
    scene = toy(
        6,
        b_hadrons=(Direction(1, -0.1, 0.9), Direction(2, 0.2, -0.1)),
        subjets=(Direction(1, -0.12, 0.88, 4),),
    )
    plot = plot_of(scene)
    traces = plot.directions()
    assert plot.where.axes["y"].high > 0.9  # all of them in the frame
    line = named(traces, "direction of b-hadron 1")
    assert set(line["x"]) == {-0.1}
    assert set(line["y"]) == {0.9}
    assert named(traces, "name of b-hadron 2")["text"] == ["b<sub>2</sub>"]
    below = named(traces, "name of subjet 1")  # of the b-hadron in it, the name stands above
    assert below["textposition"] == "bottom center"
    assert below["z"] == [plot.where.axes["z"].low]
    # no direction has a place where the floor is not that of the two angles
    assert plot_of(scene, View(x="track_pt")).directions() == []


@pytest.mark.parametrize("index", [294, 358])
def test_names_of_close_b_hadrons_go_to_their_sides(index):
    jet = open_jets()[index]
    figure = explain(load_model(), jet).plot3d()
    positions = [trace.textposition for trace in figure.data if "name of b-hadron" in trace.name]
    assert sorted(positions) == ["top left", "top right"]


# -------------------------------------------------------------------------- page


@pytest.fixture(scope="module")
def shown() -> Shown:
    jet = open_jets()[96]
    return Shown(jet, explain(load_model(), jet))


def unpacked(field: dict[str, Any]) -> np.ndarray:
    array = np.frombuffer(base64.b64decode(field["data"]), np.dtype(field["dtype"]))
    return array.reshape(field["shape"])


def test_the_page_gets_every_edge_that_may_be_shown(shown):
    made = picture_network(shown, View(), PANEL)
    edges = made.data["edges"]
    scene = Scene.of(*shown)
    assert edges["count"] == edges["all"] == scene.n_edges == len(unpacked(edges["number"]))
    np.testing.assert_array_equal(unpacked(edges["number"]), scene.order)
    np.testing.assert_array_equal(unpacked(edges["source"]), scene.source[scene.order])
    np.testing.assert_array_equal(unpacked(edges["significance"]), scene.significance[scene.order])
    # and a part of them is what a notebook draws of a view
    k = 57
    traces = plot_of(scene, View(edges=k)).traces()
    bins, palette = unpacked(edges["bin"]), unpacked(edges["palette"])
    for trace in traces:
        if trace.get("meta", {}).get("kind") != "edges":
            continue
        places = np.flatnonzero(bins[:k] == int(trace["name"].split()[1]))
        assert scene.order[places].tolist() == trace["meta"]["edges"]
        for side in "xyz":
            drawn = unpacked(edges[side]).reshape(-1, STRIDE)[places].ravel()
            np.testing.assert_array_equal(drawn, trace[side])
        shades = palette[unpacked(edges["colour"]).reshape(-1, STRIDE)[places]][:, :-1]
        given = np.array([channels(one) for one in trace["line"]["color"]]).reshape(-1, STRIDE, 3)
        np.testing.assert_array_equal(shades, given[:, :-1])
    figure = made.data["figure"]
    assert names(figure["before"]) == ["jet axis"]
    assert figure["tracks"]["marker"]["size"] == named(traces, "tracks")["marker"]["size"]
    assert len(made.data["edges"]["words"]["rank"]) == edges["drawn"]
    assert made.parts["track-0"].title.startswith("Track 0")
    assert made.parts["b-hadron-1"].title == "b-hadron 1"


def test_an_isolated_track_of_a_large_jet_has_all_its_edges():
    random = np.random.default_rng(0)
    columns = ("track_pt", "track_etarel", "track_phirel")
    jet = Jet.from_arrays(random.normal(3, 0.1, (60, 3)), columns)
    small = explain(load_model(), open_jets()[0])
    n_edges = 60 * 59
    explanation = dataclasses.replace(
        small, jet_id=jet.jet_id, columns=columns, edge_index=complete_graph(60),
        track_relevance=random.normal(0, 1, (60, 3)), edge_significance=random.random(n_edges),
        edge_sums=random.normal(0, 1, n_edges), edge_relevance=np.zeros((0, 6)),
    )  # fmt: skip
    shown = Shown(jet, explanation)
    every = picture_network(shown, View(), PANEL).data["edges"]
    assert (every["count"], every["drawn"], every["track"]) == (n_edges, geometry.MAX_STRONG, None)
    alone = picture_network(shown, View(track=7), PANEL).data["edges"]
    assert (alone["count"], alone["drawn"], alone["track"]) == (118, 118, 7)
    ends = np.stack([unpacked(alone["source"]), unpacked(alone["destination"])])
    assert (ends == 7).any(axis=0).all()
    assert alone["total"] == every["total"]


def test_the_legend_fits_its_place(shown):
    for view in (View(), View(color="origin", edgecolor="relevance")):
        for size in ((120, 360), (120, 560), (900, 240), (620, 110)):
            made = picture_legend(shown, view, Panel(*size, 11, LIGHT))
            assert made.height <= size[1]
            assert "Edge significance" in made.label
        high = picture_legend(shown, view, Panel(330, 1, 11, LIGHT))  # as high as it needs to be
        again = picture_legend(shown, view, Panel(330, high.height, 11, LIGHT))
        assert high.height == again.height > 100
        assert "Track size" in high.label
