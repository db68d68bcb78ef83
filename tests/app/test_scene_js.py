"""The network plot as data: the functions of its scripts run in a browser, nothing is drawn."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from app.main import assets_folder
from app.theme import DARK, as_json
from lrp_core.features import feature
from lrp_core.figures.numbers import significant
from lrp_core.jets import complete_graph
from lrp_core.truth import Origin

pytestmark = pytest.mark.browser


SCRIPTS = ("numbers", "colours", "jet", "geometry", "words", "legend", "view", "scene")
NAMES = """
window.s = {
  ...["numbers", "colours", "jet", "geometry", "legend", "scene"].reduce(
    (all, name) => ({ ...all, ...window.jetlrp[name] }), {}),
  words: window.jetlrp.words,
  /* a view that is as by default but for `more`, and what else a picture needs */
  view: (more) => ({
    ...Object.fromEntries(Object.entries(window.jetlrp.view.KEYS).map(([k, [v]]) => [k, v])),
    ...more,
  }),
  drawn: (data, more) => {
    const jet = s.prepare(data);
    return s.traces(jet, s.view(more), s.themes().dark, { scales: s.scalesOf([jet]) });
  },
  legendOf: (data, more) => {
    const jet = s.prepare(data);
    return s.legend(jet, s.view(more), s.scalesOf([jet]));
  },
};
"""


@pytest.fixture(scope="module")
def scene(browser):
    """Calls JavaScript; ``s`` are the functions that make the picture, ``a`` is the argument."""
    tab = browser.new_page()
    tab.set_content(
        f'<script id="jetlrp-themes" type="application/json">{as_json()}</script><div></div>'
    )
    for name in SCRIPTS:
        tab.add_script_tag(path=assets_folder() / f"{name}.js")
    tab.add_script_tag(content=NAMES)

    def call(code, argument=None):
        return tab.evaluate(f"(a) => ({code.strip()})", argument)

    yield call
    tab.close()


def packed(values, dtype="float32"):
    array = np.asarray(values, dtype=dtype)
    return {
        "dtype": dtype,
        "shape": list(array.shape),
        "data": base64.b64encode(array.tobytes()).decode(),
    }


ORIGINS = [each.title for each in Origin]
TRUTH = {
    "origins": ORIGINS,
    "origin": [0, 1, 3, 1, 6, 7],
    "b": [0, 1, 1, 2, 0, 0],
    "b_hadrons": [
        {"b": 1, "pt": 231.0, "etarel": -0.1, "phirel": 0.9},
        {"b": 2, "pt": None, "etarel": 0.2, "phirel": -0.1},
    ],
}


FEATURES = (
    "track_etarel",
    "track_phirel",
    "track_pt",
    "track_charge",
    "trackBTag_Sip3dSig",
    "track_isMu",
)


def jet_data(n_tracks=6, seed=0, index=None, significance=None, truth=None, **columns):
    """What the page is sent of a jet (see app/drawing.py); ``columns`` are features of its own."""
    random = np.random.default_rng(seed)
    n_edges = n_tracks * (n_tracks - 1)
    if significance is None:
        significance = random.pareto(2.0, n_edges)
        significance = significance / max(significance.sum(), 1e-30)
    values = {
        "track_etarel": random.normal(0, 0.2, n_tracks),
        "track_phirel": random.normal(0, 0.2, n_tracks),
        "track_pt": 10 ** random.normal(0.8, 0.4, n_tracks),
        "track_charge": np.where(np.arange(n_tracks) % 2, -1.0, 1.0),
        "trackBTag_Sip3dSig": np.zeros(n_tracks),
        "track_isMu": np.zeros(n_tracks),
        **columns,
    }
    relevance = random.normal(0, 1, n_tracks)
    return {
        "jet": {"index": 3, "jet_id": "toy.root:3", "n_tracks": n_tracks, "n_edges": n_edges},
        "words": {"stands_for": "H→bb̄"},
        "features": [
            {
                key: getattr(feature(name), key)
                for key in ("name", "title", "unit", "group", "meaning")
            }
            for name in values
        ],
        "tracks": {
            "features": list(values),
            "values": packed(np.column_stack(list(values.values()))),
            "relevance": packed(relevance),
            "relevance_features": list(values),
            "feature_relevance": packed(np.outer(relevance, np.full(len(values), 0.1))),
        },
        "edges": {
            "significance": packed(significance),
            "signed": packed(random.normal(0, 0.01, len(significance))),
            "index": index,
            "numbers": None,
        },
        "truth": truth,
        "subjets": [],
    }


DRAWN = """
(() => {
  const scene = s.prepare(a.data);
  const view = s.view(a.view);
  const where = s.frame(scene, view);
  const order = s.considered(scene, view);
  const bunches = s.strongEdges(scene, order, where, a.k,
    { view, theme: s.themes().dark, scales: s.scalesOf([scene]) });
  const plain = (values) => Array.from(values, (v) => isNaN(v) ? null : v);
  return {
    order: Array.from(order), source: Array.from(scene.source),
    destination: Array.from(scene.destination),
    where: { x: where.x, y: where.y, z: where.z, axes: where.axes, angles: where.angles },
    bunches: bunches.map((b) => ({ ...b, x: plain(b.x), y: plain(b.y), z: plain(b.z) })),
    share: scene.share[a.k],
    rest: s.restEdges(scene, order, where, a.k).count,
  };
})()
"""


def test_arrays_arrive_bit_by_bit(scene):
    for dtype in ("float32", "float64", "int32", "int64"):
        values = np.arange(-3, 4).astype(dtype)
        assert scene("Array.from(s.decode(a))", packed(values, dtype)) == values.tolist()
    assert scene("Array.from(s.decode(a))", [0.5, 1.5]) == [0.5, 1.5]
    assert scene("s.decode(null).length") == 0


@pytest.mark.parametrize("n_tracks", [0, 1, 2, 7])
def test_the_complete_graph_is_the_core_s(scene, n_tracks):
    graph = scene(
        "(() => { const g = s.completeGraph(a);"
        " return [Array.from(g.source), Array.from(g.destination)]; })()",
        n_tracks,
    )
    assert graph == complete_graph(n_tracks).tolist()


def test_edges_are_ranked_by_significance(scene):
    significance = [0.1, 0.4, 0.1, 0.3, 0.0, 0.1]
    assert scene("Array.from(s.rank(a))", significance) == [1, 3, 0, 2, 5, 4]


def test_the_strongest_edges_fill_bunches_of_falling_width(scene):
    data = jet_data(12)
    drawn = scene(DRAWN, {"data": data, "k": 40})
    bunches = drawn["bunches"]
    assert [bunch["bin"] for bunch in bunches] == list(range(7, -1, -1))
    widths = [bunch["width"] for bunch in bunches]
    assert widths == sorted(widths, reverse=True)
    assert sum(bunch["count"] for bunch in bunches) == 40
    starts = np.cumsum([0] + [bunch["count"] for bunch in bunches])[:-1]
    assert [bunch["start"] for bunch in bunches] == starts.tolist()
    significance = np.frombuffer(
        base64.b64decode(data["edges"]["significance"]["data"]), np.float32
    )
    assert drawn["order"] == np.argsort(-significance, kind="stable").tolist()
    assert drawn["share"] == pytest.approx(np.sort(significance)[::-1][:40].sum())
    assert drawn["rest"] == 12 * 11 - 40
    for bunch in bunches:
        ranks = np.arange(bunch["start"], bunch["start"] + bunch["count"])
        share = significance[drawn["order"]][ranks] / significance.max()
        assert ((share * 8).astype(int).clip(0, 7) == bunch["bin"]).all()


@pytest.mark.parametrize("height", ["log:track_pt", "track_pt", "trackBTag_Sip3dSig"])
def test_a_curve_runs_from_its_source_to_its_destination(scene, height):
    drawn = scene(DRAWN, {"data": jet_data(5), "k": 20, "view": {"z": height}})
    where, stride = drawn["where"], 10
    for bunch in drawn["bunches"]:
        for n in range(bunch["count"]):
            edge = drawn["order"][bunch["start"] + n]
            for axis in "xyz":
                line = bunch[axis][n * stride : (n + 1) * stride]
                assert line[0] == pytest.approx(where[axis][drawn["source"][edge]], abs=1e-4)
                assert line[8] == pytest.approx(where[axis][drawn["destination"][edge]], abs=1e-4)
                assert line[9] is None  # the gap to the next curve


def test_there_and_back_bend_apart(scene):
    drawn = scene(DRAWN, {"data": jet_data(2, significance=[0.6, 0.4]), "k": 2})
    middles = []
    for bunch in drawn["bunches"]:
        for n in range(bunch["count"]):
            middles.append([bunch[axis][n * 10 + 4] for axis in "xyz"])
    chord = [np.mean(drawn["where"][axis]) for axis in "xyz"]
    one, other = np.array(middles) - chord
    np.testing.assert_allclose(one, -other, atol=1e-5)
    assert np.abs(one).max() > 1e-3


def test_an_edge_straight_up_bends_too(scene):
    data = jet_data(
        2,
        significance=[0.5, 0.5],
        track_etarel=[0.1, 0.1],
        track_phirel=[0.2, 0.2],
        track_pt=[1.0, 50.0],
    )
    drawn = scene(DRAWN, {"data": data, "k": 2})
    values = [value for bunch in drawn["bunches"] for axis in "xyz" for value in bunch[axis]]
    assert all(value is None or np.isfinite(value) for value in values)


def test_the_colour_brightens_towards_the_destination(scene):
    drawn = scene(DRAWN, {"data": jet_data(4), "k": 1})
    colours = drawn["bunches"][0]["color"]
    first, last = ([int(c) for c in colours[at][4:-1].split(",")] for at in (0, 8))
    full = [int(DARK.sequential[-1][at : at + 2], 16) for at in (1, 3, 5)]
    assert last == full
    assert sum(first) < sum(last)


def test_a_graph_of_its_own_is_followed(scene):
    index = packed([[0, 3, 3], [1, 2, 0]], "int32")
    drawn = scene(DRAWN, {"data": jet_data(4, index=index, significance=[0.2, 0.5, 0.3]), "k": 3})
    assert drawn["order"] == [1, 2, 0]
    assert drawn["source"] == [0, 3, 3]
    assert drawn["destination"] == [1, 2, 0]


@pytest.mark.parametrize("n_tracks", [1, 2, 3])
def test_small_jets_have_a_picture(scene, n_tracks):
    data = jet_data(n_tracks, significance=[0.0] * (n_tracks * (n_tracks - 1)))
    k = n_tracks * (n_tracks - 1)
    drawn = scene(DRAWN, {"data": data, "k": k})
    assert sum(bunch["count"] for bunch in drawn["bunches"]) == k
    names = scene("s.drawn(a, {edges: 0}).list.map((t) => t.name)", data)
    assert names[-1] == "tracks"
    legend = scene("s.legendOf(a)", data)
    assert legend["significance"]["max"] == 0


def test_how_many_edges_at_first(scene):
    assert scene("[0, 2, 650, 13806].map(s.defaultEdges)") == [0, 1, 130, 150]


@pytest.mark.parametrize("n_edges", [2, 30, 650, 13806])
def test_the_slider_goes_from_one_edge_to_all_that_are_drawn(scene, n_edges):
    assert scene("s.edgesAt(0, a)", n_edges) == 1
    assert scene("s.edgesAt(1, a)", n_edges) == min(n_edges, 2000)
    for edges in (1, 2, min(n_edges, 150)):
        assert scene("s.edgesAt(s.positionOf(a[0], a[1]), a[1])", [edges, n_edges]) == edges


def test_both_angles_share_one_scale_around_the_jet_axis(scene):
    drawn = scene(DRAWN, {"data": jet_data(9), "k": 1})
    where = drawn["where"]
    low, high = where["axes"]["x"]["low"], where["axes"]["x"]["high"]
    assert low == -high
    assert high >= max(map(abs, where["x"] + where["y"]))
    layout = scene(
        "s.layout(s.frame(s.prepare(a)), s.themes().dark, s.cameraFor(800, 600), 1).scene",
        jet_data(9),
    )
    assert layout["xaxis"]["range"] == layout["yaxis"]["range"] == [low, high]
    assert "sign(η" in layout["xaxis"]["title"]["text"]
    assert "Δη" in layout["xaxis"]["title"]["text"]
    assert "GeV" in layout["zaxis"]["title"]["text"]


def test_the_legend_shows_true_significances_from_zero(scene):
    data = jet_data(3, significance=[0.021, 0.01, 0.005, 0.002, 0.001, 0.0])
    legend = scene("s.legendOf(a)", data)["significance"]
    assert legend["max"] == pytest.approx(0.021)
    values = [tick["value"] for tick in legend["ticks"]]
    assert values == pytest.approx([0, 0.01, 0.021]) or values[0] == 0
    assert values[-1] == pytest.approx(0.021)
    assert legend["ticks"][-1]["text"] == "0.021"
    widths = [step["width"] for step in legend["steps"]]
    assert widths == sorted(widths)
    assert len(widths) == 8


def test_the_relevance_scale_is_symmetric(scene):
    data = jet_data(5)
    legend = scene("s.legendOf(a, {size: 'relevance'})", data)["relevance"]
    assert [tick["at"] for tick in legend["ticks"]] == [1, 0.5, 0, -0.5, -1]
    marker = scene(
        "(({cmin, cmax, size}) => ({cmin, cmax, size}))"
        "(s.drawn(a, {edges: 3, size: 'relevance'}).list.at(-1).marker)",
        data,
    )
    assert marker["cmin"] == -marker["cmax"]
    relevance = np.abs(np.frombuffer(base64.b64decode(data["tracks"]["relevance"]["data"]), "f4"))
    assert np.argsort(marker["size"]).tolist() == np.argsort(relevance).tolist()


def test_an_edge_and_a_track_in_words(scene):
    data = jet_data(
        3, significance=[0.021, 0.01, 0.005, 0.002, 0.001, 0.0], track_pt=[40.0, 5.0, 1.25]
    )
    data["edges"]["signed"] = packed([-0.3, 0.1, 0.1, 0.1, 0.1, 0.1])
    edge = scene("s.words.edge(s.prepare(a), 0)", data)
    assert edge["title"] == "Track 0 → track 1"
    lines = dict(edge["lines"])
    assert lines["significance"] == "0.0210 (2.1 %)"
    assert lines["rank"] == "1 of 6"
    assert lines["signed relevance"] == "−0.300"
    assert lines["speaks"] == "against H→bb̄"
    assert lines["pT"] == "40.0 → 5.00 GeV"
    track = scene("s.words.track(s.prepare(a), 1)", data)
    assert track["title"] == "Track 1"
    lines = dict(track["lines"])
    assert lines["pT"] == "5.00 GeV"
    assert lines["charge"] == "−1 e"
    assert lines["Δφ"].endswith(" rad")
    assert lines["rank"].endswith(" of 3")


TRACES = """
s.drawn(a.data, { edges: 3, ...a.view }).list.map((t) => ({
  ...t, x: Array.from(t.x), y: Array.from(t.y), z: Array.from(t.z) }))
"""


def test_tracks_are_coloured_by_origin(scene):
    traces = scene(TRACES, {"data": jet_data(truth=TRUTH), "view": {"color": "origin"}})
    marker = traces[-1]["marker"]
    assert marker["color"] == [DARK.origins[code] for code in TRUTH["origin"]]
    assert marker["symbol"] == [
        "circle",
        "circle",
        "diamond",
        "circle",
        "circle-open",
        "diamond-open",
    ]
    assert "colorscale" not in marker
    by_relevance = scene(TRACES, {"data": jet_data(truth=TRUTH), "view": {"color": "relevance"}})
    assert by_relevance[-1]["marker"]["colorscale"]
    assert "symbol" not in by_relevance[-1]["marker"]
    assert scene("s.SHAPES.length") == len(Origin)
    assert scene("s.SHAPES.every((shape) => s.MARKS[shape])")


def test_a_jet_without_truth_keeps_its_relevance(scene):
    traces = scene(TRACES, {"data": jet_data(), "view": {"color": "origin"}})
    assert traces[-1]["marker"]["colorscale"]
    assert not [trace for trace in traces if "b-hadron" in trace["name"]]
    assert scene("s.legendOf(a).origins", jet_data()) == []


@pytest.mark.parametrize("color", ["relevance", "origin"])
def test_the_b_hadrons_directions_are_drawn(scene, color):
    data = jet_data(truth=TRUTH)
    traces = scene(TRACES, {"data": data, "view": {"color": color}})
    axes = scene("s.frame(s.prepare(a)).axes", data)
    for b_hadron in TRUTH["b_hadrons"]:
        line, name = (trace for trace in traces if f"b-hadron {b_hadron['b']}" in trace["name"])
        assert set(line["x"]) == {b_hadron["etarel"]}
        assert set(line["y"]) == {b_hadron["phirel"]}
        assert (line["z"][0], line["z"][-1]) == (axes["z"]["low"], axes["z"]["high"])
        assert name["text"] == [f"b<sub>{b_hadron['b']}</sub>"]
    assert axes["y"]["high"] > 0.9  # all of them in the frame


def test_a_b_hadron_whose_direction_is_not_known_is_left_out(scene):
    b_hadrons = [{"b": 1, "pt": 90.0, "etarel": None, "phirel": 0.1}]
    data = jet_data(truth={**TRUTH, "b_hadrons": b_hadrons})
    traces = scene(TRACES, {"data": data, "view": {"color": "origin"}})
    assert not [trace for trace in traces if "b-hadron" in trace["name"]]


def test_the_legend_counts_the_origins_present(scene):
    said = scene("s.legendOf(a).origins", jet_data(truth=TRUTH))
    assert [(each["title"], each["count"]) for each in said] == [
        ("prompt", 1),
        ("b-hadron decay", 2),
        ("V0", 1),
        ("pileup", 1),
        ("fake", 1),
    ]


def test_origins_and_b_hadrons_in_words(scene):
    data = jet_data(truth=TRUTH)
    origins = scene(
        "[0, 1, 2, 3, 4].map((n) =>"
        " Object.fromEntries(s.words.track(s.prepare(a), n).lines).origin)",
        data,
    )
    assert origins == [
        "prompt",
        "b-hadron decay, from b-hadron 1",
        "V0, from b-hadron 1",
        "b-hadron decay, from b-hadron 2",
        "pileup",
    ]
    assert "origin" not in dict(scene("s.words.track(s.prepare(a), 1).lines", jet_data()))
    one, other = scene("[1, 2].map((b) => s.words.bHadron(s.prepare(a), b))", data)
    assert one["title"] == "b-hadron 1"
    assert dict(one["lines"])["pT"] == "231 GeV"
    assert dict(one["lines"])["tracks from it"] == "2 of 6"
    assert dict(other["lines"])["pT"] == "–"


def test_the_edge_under_the_pointer(scene):
    assert scene("[0, 8, 9, 10, 25].map((n) => s.placeAt(100, n))") == [100, 100, 100, 101, 102]


@pytest.mark.parametrize("value", [0.02131, 12.3456, 1234.6, 0, 2.1e-7, -4.2e7, -0.5])
def test_numbers_read_the_same_in_both_languages(scene, value):
    assert scene("s.significant(a)", value).replace("\u00a0", " ") == significant(value).replace(
        "\u00a0", " "
    )


def test_subjets_are_drawn_where_they_fly_and_said_in_words(scene):
    data = jet_data()
    data["subjets"] = [
        {"number": 1, "etarel": -0.1, "phirel": 0.9, "n_tracks": 4},
        {"number": 2, "etarel": None, "phirel": 0.1, "n_tracks": 2},
    ]
    names = {trace["name"]: trace for trace in scene(TRACES, {"data": data})}
    assert set(names["direction of subjet 1"]["x"]) == {-0.1}
    assert set(names["direction of subjet 1"]["y"]) == {0.9}
    assert "direction of subjet 2" not in names  # its direction is not known
    assert names["name of subjet 1"]["text"] == ["j<sub>1</sub>"]
    said = scene("s.words.subjet(s.prepare(a), 1)", data)
    assert dict(said["lines"])["tracks nearest to it"] == "4 of 6"
    # no direction has a place where the floor is not that of the two angles
    other = scene(TRACES, {"data": data, "view": {"x": "track_pt"}})
    assert not [trace for trace in other if "subjet" in trace["name"]]


def test_marked_tracks_are_ringed_lettered_and_counted(scene):
    data = jet_data(4, trackBTag_Sip3dSig=[0, 3, 3.1, 9], track_isMu=[0, 1, 0, 0])
    on, off = (scene(TRACES, {"data": data, "view": {"marks": marks}}) for marks in (True, False))
    by_name = {trace["name"]: trace for trace in on}
    tracks = by_name["tracks"]
    assert by_name["displaced"]["x"] == tracks["x"][2:]
    assert by_name["leptons"]["text"] == ["<b>μ</b>"]
    assert by_name["leptons"]["x"] == tracks["x"][1:2]
    assert not {"displaced", "leptons"} & {trace["name"] for trace in off}
    marks = scene("s.legendOf(a).marks", data)
    assert [(mark["kind"], mark["count"]) for mark in marks] == [("muon", 1), ("displaced", 2)]
    assert scene("s.words.track(s.prepare(a), 1).title", data) == "Track 1 (muon)"


def test_tracks_are_coloured_and_shaped_by_charge(scene):
    marker = scene(TRACES, {"data": jet_data(4), "view": {"color": "charge"}})[-1]["marker"]
    assert marker["symbol"] == ["circle", "diamond", "circle", "diamond"]
    assert len(set(marker["color"])) == 2
    charges = scene("s.legendOf(a, {color: 'charge'}).charges", jet_data(5))
    assert [(each["sign"], each["count"]) for each in charges] == [(1, 3), (-1, 2)]


def test_edges_are_coloured_by_what_they_speak_for(scene):
    data = jet_data(2, significance=[0.6, 0.4])
    data["edges"]["signed"] = packed([-0.3, 0.15])
    bunches = scene(DRAWN, {"data": data, "k": 2, "view": {"edgecolor": "relevance"}})["bunches"]
    seen = [
        [int(c) for c in bunch["color"][8][4:-1].split(",")] for bunch in bunches if bunch["count"]
    ]
    stops = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in DARK.diverging]
    place = 4 * (0.5 + 0.5 * np.sqrt(0.5)) - 3  # half as much for, between the last two stops
    half = [round(a + place * (b - a)) for a, b in zip(stops[3], stops[4], strict=True)]
    assert seen == [stops[0], half]  # all against; the square root shows the smaller one too


@pytest.mark.parametrize(
    ("ways", "chosen"),
    [
        ("out", lambda source, destination: source == 2),
        ("in", lambda source, destination: destination == 2),
        ("both", lambda source, destination: 2 in (source, destination)),
    ],
)
def test_only_the_edges_of_one_track_are_considered(scene, ways, chosen):
    drawn = scene(DRAWN, {"data": jet_data(6), "k": 3, "view": {"track": 2, "ways": ways}})
    ends = list(zip(drawn["source"], drawn["destination"], strict=True))
    assert sorted(drawn["order"]) == [n for n, (i, j) in enumerate(ends) if chosen(i, j)]
    assert drawn["rest"] == len(drawn["order"]) - 3
    whole = scene(DRAWN, {"data": jet_data(6), "k": 3})
    assert drawn["order"] == [edge for edge in whole["order"] if edge in drawn["order"]]


def test_edges_from_a_least_significance_on(scene):
    data = jet_data(3, significance=[0.4, 0.05, 0.25, 0.2, 0.1, 0.0])
    count = "((jet) => a.least.map((least) => s.shownEdges(jet, s.view({least}), jet.order)))"
    shown = scene(f"{count}(s.prepare(a.data))", {"data": data, "least": [0, 0.1, 0.2001, 0.5]})
    assert shown == [6, 4, 2, 0]


def test_an_axis_can_have_any_feature(scene):
    data = jet_data(5, trackBTag_Sip3dSig=[-2.0, 0.0, 3.0, 11.0, 1.0])
    where = scene(DRAWN, {"data": data, "k": 1, "view": {"x": "trackBTag_Sip3dSig"}})["where"]
    assert where["x"] == [-2, 0, 3, 11, 1]
    axis = where["axes"]["x"]
    assert axis["low"] < -2
    assert axis["high"] > 11
    assert axis["title"] == "Sip3D sig."
    assert where["angles"] is False
    linear = scene("s.axisOf(s.prepare(a), 'track_pt')", data)
    logarithm = scene("s.axisOf(s.prepare(a), 'log:track_pt')", data)
    np.testing.assert_allclose(logarithm["values"], np.log10(linear["values"]), rtol=1e-6)
    # what has values that are not positive has no logarithm, and what is not there no axis
    assert scene("s.axisOf(s.prepare(a), 'log:trackBTag_Sip3dSig').log", data) is False
    assert scene("s.frame(s.prepare(a), {x: 'no_such'}).axes.x.name", data) == "track_etarel"


def test_the_top_edges_keep_their_numbers(scene):
    whole = jet_data(5)
    significance = np.frombuffer(
        base64.b64decode(whole["edges"]["significance"]["data"]), np.float32
    )
    numbers = np.argsort(-significance, kind="stable")[:7]
    top = jet_data(5, significance=significance[numbers])
    top["edges"]["numbers"] = packed(numbers, "int32")
    ends = "((jet) => [Array.from(jet.source), Array.from(jet.destination)])(s.prepare(a))"
    assert scene(ends, top) == complete_graph(5)[:, numbers].tolist()
    assert scene("[0, 3, 6].map((n) => s.numberOf(s.prepare(a), n))", top) == [
        numbers[0],
        numbers[3],
        numbers[6],
    ]
    place = "((jet) => a.numbers.map((n) => s.placeOf(jet, n)))(s.prepare(a.data))"
    absent = next(n for n in range(20) if n not in numbers)
    assert scene(place, {"data": top, "numbers": [int(numbers[3]), absent]}) == [3, -1]
    lines = dict(scene("s.words.edge(s.prepare(a), 0).lines", top))
    assert lines["rank"] == "1 of 20"


def test_the_chosen_edge_is_drawn_over_the_others(scene):
    data = jet_data(4)
    drawn = scene(TRACES, {"data": data, "view": {"edge": 5}})
    chosen = next(trace for trace in drawn if trace["name"] == "chosen edge")
    tracks = drawn[-1]
    source, destination = complete_graph(4)[:, 5]
    for axis in "xyz":
        assert chosen[axis][0] == pytest.approx(tracks[axis][source])
        assert chosen[axis][-1] == pytest.approx(tracks[axis][destination])
    bunches = [trace["line"]["width"] for trace in drawn if trace["name"].startswith("edges")]
    assert chosen["line"]["width"] > max(bunches)
    assert "chosen edge" not in {trace["name"] for trace in scene(TRACES, {"data": data})}


def test_two_jets_side_by_side_have_one_scale(scene):
    data = [jet_data(5, seed=seed) for seed in (1, 2)]
    own, common = scene(
        "(([one, two]) => [[s.scalesOf([one]), s.scalesOf([two])], s.scalesOf([one, two])])"
        "(a.map(s.prepare))",
        data,
    )
    for name in ("significance", "signed", "relevance", "pt"):
        assert common[name] == max(one[name] for one in own)


def test_the_faint_edges_are_left_out_while_the_slider_is_dragged(scene):
    visible = """
    ((jet) => [true, false].map((dragging) => s.traces(jet, s.view({ edges: 3 }), s.themes().dark,
      { scales: s.scalesOf([jet]), dragging }).list.find((t) => t.name === "rest").visible)
    )(s.prepare(a))
    """
    assert scene(visible, jet_data()) == [False, True]


def test_nothing_is_sent_to_plotly_s_servers(scene):
    config = scene("s.CONFIG")
    assert config["showSendToCloud"] is False
    assert config["plotlyServerURL"] == ""
    assert config["displaylogo"] is False


def test_the_camera_steps_back_on_a_narrow_stage(scene):
    narrow, wide = scene("[s.cameraFor(500, 600).eye.x, s.cameraFor(1200, 700).eye.x]")
    assert narrow > wide
    assert json.dumps(scene("s.cameraFor(0, 0)"))
