"""One geometry: what the page's scripts say of a jet, and what Python's figures say, are equal."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.drawing import scene_data
from app.main import assets_folder
from app.theme import THEMES, as_json
from lrp_core.figures import geometry
from lrp_core.figures.axes import reading
from lrp_core.figures.colours import css
from lrp_core.figures.legend import Legend
from lrp_core.figures.network import track_look
from lrp_core.figures.numbers import with_labels
from lrp_core.figures.scene import Scales, Scene
from lrp_core.figures.view import View
from lrp_core.service.schemas import ExplanationAnswer, JetDetail

pytestmark = pytest.mark.browser

SCRIPTS = (
    *("numbers", "colours", "jet", "geometry", "axes", "words", "legend", "view", "scene", "link"),
    *("compare", "talk"),
)
NAMES = """
window.plain = (values) => Array.from(values, (value) => (Number.isNaN(value) ? null : value));
window.made = (jet, query, themeName) => {
  const { geometry: g, scene, legend, view, colours } = window.jetlrp;
  const usual = Object.fromEntries(Object.entries(view.KEYS).map(([key, [value]]) => [key, value]));
  const wanted = { ...usual, ...view.read(query) };
  const theme = colours.themes()[themeName];
  const scales = g.scalesOf([jet]);
  const where = g.frame(jet, wanted);
  const order = g.considered(jet, wanted);
  const k = g.shownEdges(jet, wanted, order);
  const bunches = g.strongEdges(jet, order, where, k, { view: wanted, theme, scales });
  const rest = g.restEdges(jet, order, where, k);
  const { list } = scene.traces(jet, wanted, { ...theme, type: 1, font: "" }, { scales });
  const tracks = list[list.length - 1].marker;
  return {
    axes: where.axes, angles: where.angles, order: Array.from(order), k, scales,
    bunches: bunches.map((one) => ({ ...one, x: plain(one.x), y: plain(one.y), z: plain(one.z) })),
    rest: { ...rest, x: plain(rest.x), y: plain(rest.y), z: plain(rest.z) },
    sizes: tracks.size, symbols: tracks.symbol, colours: tracks.color, cmax: tracks.cmax,
    legend: legend.legend(jet, wanted, scales),
    directions: g.directions(jet).map((one) => g.direction(where, one)),
  };
};
"""


@pytest.fixture(scope="module")
def script(browser):
    """The page's scripts in an empty page: call(code, argument)."""
    tab = browser.new_page()
    tab.set_content(
        f'<script id="jetlrp-themes" type="application/json">{as_json()}</script><div></div>'
    )
    for name in SCRIPTS:
        tab.add_script_tag(path=assets_folder() / f"{name}.js")
    tab.add_script_tag(content=NAMES)
    yield lambda code, argument=None: tab.evaluate(f"(a) => ({code})", argument)
    tab.close()


def page_data(jets: Any, model: Any, index: int) -> dict[str, Any]:
    """What the page is sent of a jet, through the service."""
    from lrp_core.service.api import create_api

    client = TestClient(create_api(jets, model))  # not entered: nothing is scored
    detail = client.get(f"/api/v1/jets/{index}").json()
    answer = client.post(f"/api/v1/jets/{index}/explanation", json={"encoding": "base64"}).json()
    return scene_data(JetDetail.model_validate(detail), ExplanationAnswer.model_validate(answer))


@pytest.fixture(scope="module")
def largest(cms_data, script):
    """The real jet of 118 tracks: in the page, and as a scene of Python."""
    from lrp_core.checkpoint import load_model
    from lrp_core.explainer import explain
    from lrp_core.reading import open_jets

    jets, model = open_jets(cms_data / "hbb_jets.root"), load_model(cms_data / "IN.pth")
    index = int(jets.summary().n_tracks.argmax())
    script("(window.jet = window.jetlrp.jet.prepare(a)) && 0", page_data(jets, model, index))
    scene = Scene.of(jets[index], explain(model, jets[index]))
    assert scene.n_tracks == 118
    return scene


@pytest.fixture(scope="module")
def simulated(script):
    """A simulated jet, of which it is known where the tracks come from."""
    from lrp_core.checkpoint import load_model
    from lrp_core.explainer import explain
    from lrp_core.reading import open_jets

    jets, model = open_jets(), load_model()
    script("(window.other = window.jetlrp.jet.prepare(a)) && 0", page_data(jets, model, 96))
    return Scene.of(jets[96], explain(model, jets[96]))


def gapped(points: np.ndarray) -> list[np.ndarray]:
    """[n, m, 3] -> x, y and z as Plotly takes them, with a gap behind each line."""
    full = np.concatenate([points, np.full((len(points), 1, 3), np.nan, points.dtype)], axis=1)
    return [full[:, :, side].ravel() for side in range(3)]


def numbers(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def assert_equal(scene: Scene, found: dict[str, Any], view: View, theme_name: str) -> None:
    """Every vertex, width, colour, tick and word of the script is Python's."""
    theme, scales = THEMES[theme_name], Scales.of(scene)
    where = geometry.frame(scene, view)
    for side in geometry.SIDES:
        axis, theirs = where.axes[side], found["axes"][side]
        assert axis.ticktext == theirs["ticktext"], side
        np.testing.assert_allclose(axis.tickvals, theirs["tickvals"], rtol=0, atol=1e-12)
        np.testing.assert_allclose(
            [axis.low, axis.high, *axis.values],
            [theirs["low"], theirs["high"], *theirs["values"]],
            rtol=1e-12,
            atol=1e-14,
        )
        assert (
            axis.title.replace("_jet", "<sub>jet</sub>").replace("_T", "<sub>T</sub>")
            == (theirs["title"])
        )
    assert where.angles == found["angles"]
    order = geometry.considered(scene, view)
    np.testing.assert_array_equal(order, found["order"])
    k = geometry.shown_edges(scene, view, order)
    assert k == found["k"]
    bunches = geometry.strong_edges(scene, order, where, k, view=view, theme=theme, scales=scales)
    assert len(bunches) == len(found["bunches"])
    for ours, theirs in zip(bunches, found["bunches"], strict=True):
        assert (ours.bin, ours.start, len(ours.edges)) == (
            theirs["bin"],
            theirs["start"],
            theirs["count"],
        )
        assert ours.width == pytest.approx(theirs["width"], rel=1e-12)
        assert ours.opacity == pytest.approx(theirs["opacity"], rel=1e-12)
        for side, values in zip("xyz", gapped(ours.points), strict=True):
            np.testing.assert_allclose(values, numbers(theirs[side]), rtol=3e-7, atol=3e-7)
        stride = geometry.SEGMENTS + 2
        given = [c for at, c in enumerate(theirs["color"]) if at % stride != stride - 1]
        colours = np.array([rgb_of(c) for c in given]).reshape(-1, 3)
        # relevance added up in another order is another float32; a colour may round another way
        np.testing.assert_allclose(ours.colours.reshape(-1, 3), colours, atol=0.51)
    rest = geometry.rest_edges(scene, order, where, k)
    assert rest.opacity == pytest.approx(found["rest"]["opacity"], rel=1e-12)
    for side, values in zip("xyz", gapped(rest.points), strict=True):
        np.testing.assert_allclose(values, numbers(found["rest"][side]), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(geometry.sizes(scene, view, scales), found["sizes"], rtol=1e-6)
    for name, most in found["scales"].items():
        assert getattr(scales, name) == pytest.approx(most, rel=1e-6)


def rgb_of(colour: str) -> list[float]:
    return [float(value) for value in colour.removeprefix("rgb(").rstrip(")").split(",")]


VIEWS = [
    ("", "dark"),
    ("?edges=2000&edgecolor=relevance&size=relevance", "light"),
    ("?least=0.0004&z=track_pt", "dark"),
    ("?track=7&ways=in&edges=60", "light"),
    ("?track=7&ways=out&x=track_deltaR&y=log:track_ptrel&z=trackBTag_Sip3dSig", "dark"),
    ("?edges=1&x=track_pt", "light"),
]


@pytest.mark.parametrize(("query", "theme"), VIEWS)
def test_118_tracks_stand_where_the_page_has_them(script, largest, query, theme):
    found = script("window.made(window.jet, a[0], a[1])", [query, theme])
    view = View.from_link(query)
    assert_equal(largest, found, view, theme)
    assert sum(bunch["count"] for bunch in found["bunches"]) == found["k"] > 0


TRACES = """(() => {
  const { geometry: g, scene, view, colours } = window.jetlrp;
  const usual = Object.fromEntries(Object.entries(view.KEYS).map(([key, [value]]) => [key, value]));
  const wanted = { ...usual, ...view.read(a) };
  const theme = { ...colours.themes().light, type: 1, font: "" };
  const { list } = scene.traces(window.jet, wanted, theme, { scales: g.scalesOf([window.jet]) });
  return list.map(({ name, mode, x, y, z, line, opacity, marker, visible }) => ({
    name, mode, x: plain(x), y: plain(y), z: plain(z), width: line ? line.width : null,
    opacity: opacity ?? null, sizes: marker ? plain([].concat(marker.size)) : null,
    visible: visible !== false,
  }));
})()"""


@pytest.mark.parametrize("query", ["", "?edges=700&track=7&edge=12", "?x=track_pt&marks=0"])
def test_the_notebooks_figure_has_the_traces_of_the_page(script, largest, query):
    theirs = script(TRACES, query)
    figure = largest.explanation.plot3d(view=View.from_link(query), theme="light")
    assert [trace.name for trace in figure.data] == [one["name"] for one in theirs]
    for trace, other in zip(figure.data, theirs, strict=True):
        assert trace.mode == other["mode"]
        assert (trace.visible is not False) == other["visible"]
        assert trace.opacity == pytest.approx(other["opacity"])
        if other["width"] is not None:
            assert trace.line.width == pytest.approx(other["width"])
        for side in "xyz":
            ours, expected = np.asarray(trace[side], float), numbers(other[side])
            np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-6, err_msg=trace.name)
        if other["sizes"] is not None:
            np.testing.assert_allclose(np.atleast_1d(trace.marker.size), other["sizes"])


@pytest.mark.parametrize("query", ["?color=origin", "?color=charge", "?track=3&edges=4"])
def test_simulated_jets_too_and_their_looks(script, simulated, query):
    found = script("window.made(window.other, a, 'dark')", query)
    view, scales = View.from_link(query), Scales.of(simulated)
    assert_equal(simulated, found, view, "dark")
    colours, shapes = track_look(simulated, view, THEMES["dark"], scales)
    if view.color != "relevance":
        assert shapes == found["symbols"]
        assert [css(colour) for colour in colours] == found["colours"]
    directions = [
        geometry.direction(geometry.frame(simulated, view), one) for one in simulated.directions
    ]
    assert len(directions) == len(found["directions"]) > 2
    for ours, theirs in zip(directions, found["directions"], strict=True):
        for at, side in enumerate("xyz"):
            np.testing.assert_allclose(ours[:, at], theirs[side], rtol=1e-12)


def test_legends_say_the_same(script, simulated, largest):
    for scene, name in ((simulated, "other"), (largest, "jet")):
        for query in ("", "?size=relevance&color=origin"):
            theirs = script(f"window.made(window.{name}, a, 'dark').legend", query)
            ours = Legend.of(scene, View.from_link(query), Scales.of(scene))
            assert [one.text for one in ours.significance] == [
                one["text"] for one in theirs["significance"]["ticks"]
            ]
            for scale in ("signed", "relevance"):
                assert [one.text for one in getattr(ours, scale)] == [
                    one["text"] for one in theirs[scale]["ticks"]
                ]
            assert [(one.text, pytest.approx(one.diameter)) for one in ours.sizes] == [
                (one["text"], one["diameter"]) for one in theirs["sizes"]
            ]
            assert [(one.title, one.count) for one in (*ours.origins, *ours.charges)] == [
                (one["title"], one["count"]) for one in (*theirs["origins"], *theirs["charges"])
            ]
            assert [(sign, count) for sign, _, count in ours.marks] == [
                (one["sign"], one["count"]) for one in theirs["marks"]
            ]


RULES_ASKED = ["gamma(1)", "epsilon(0.01)", "alpha_beta(2, 1, bias=spread)", "zero"]


@pytest.mark.parametrize("rule", RULES_ASKED)
def test_headings_say_the_same(script, simulated, rule):
    from lrp_core.checkpoint import load_model
    from lrp_core.explainer import explain
    from lrp_core.figures.headline import Headline
    from lrp_core.reading import open_jets
    from lrp_core.service.choices import all_choices

    jet, model = open_jets()[96], load_model()
    choices = all_choices(model)
    script(
        """(() => {
          const tools = document.querySelector("div");
          tools.className = "compare-tools";
          Object.assign(tools.dataset, { targets: a[0], rules: a[1] });
        })()""",
        [
            json.dumps({one.name: with_labels(one.title) for one in choices.targets}),
            json.dumps({one.name: one.title for one in choices.rules}),
        ],
    )
    for target in ("margin", "qcd"):
        explanation = explain(model, jet, target=target, rule=rule)
        says = Headline.of(jet, explanation)
        asked = {"target": explanation.target, "rule": str(explanation.rule)}
        theirs = script(
            """(() => {
              const line = document.createElement("p");
              line.innerHTML = window.jetlrp.talk.line({ ...window.other, question: a.question });
              return [...line.children].map((one) => one.textContent);
            })()""",
            {"question": asked},
        )
        assert theirs[:3] == [says.jet, f"{says.says} {says.share}", says.asked]
        assert theirs[3].endswith(" % accounted for")
        assert says.kept.endswith(" % accounted for")


SIZES = [(788, 725), (1600, 900), (400, 900), (1000, 300), (1122, 620), (798, 650), (90, 60)]


@pytest.mark.parametrize("size", SIZES)
def test_the_camera_starts_where_the_pages_does(script, size):
    turned = geometry.Camera((1.5, -1.0, 0.25), (0.0, 0.0, -0.1))
    theirs = script(
        """(({ cameraFor, cameraIn, orthographicSize }) => [
          cameraFor(...a[0]), cameraFor(...a[0], "orthographic"), cameraIn(a[1], ...a[0]),
          orthographicSize(...a[0]),
        ])(window.jetlrp.geometry)""",
        [size, {"eye": {"x": 1.5, "y": -1.0, "z": 0.25}, "center": {"x": 0, "y": 0, "z": -0.1},
                "up": {"x": 0, "y": 0, "z": 1}}],
    )  # fmt: skip
    ours = (
        geometry.camera_for(*size),
        geometry.camera_for(*size, perspective=False),
        geometry.camera_in(turned, *size, perspective=True),
    )
    for camera, other in zip(ours, theirs, strict=False):
        for part in ("eye", "center", "up"):
            assert getattr(camera, part) == pytest.approx([other[part][side] for side in "xyz"])
    assert geometry.orthographic_size(*size) == pytest.approx(theirs[3])


@pytest.mark.parametrize(
    ("least", "most", "texts"),
    [
        (1.0, 90.0, ["1", "2", "5", "10", "20", "50"]),
        (1.1, 1.75, ["1.2", "1.4", "1.6"]),
        (0.97, 1.27, ["1", "1.1", "1.2"]),
        (211.0, 243.0, ["220", "230", "240"]),
        (0.0003, 700.0, ["0.001", "0.01", "0.1", "1", "10", "100"]),
    ],
)
def test_logarithmic_axes_have_the_same_ticks_and_always_some(script, least, most, texts):
    low, high = np.log10([least, most]).tolist()
    values, ours = geometry.log_ticks(low, high)
    assert ours == texts
    assert low <= values[0] < values[-1] <= high
    theirs = script("window.jetlrp.geometry.logTicks(a[0], a[1])", [low, high])
    assert theirs["ticktext"] == ours
    np.testing.assert_allclose(theirs["tickvals"], values, rtol=0, atol=1e-12)


def test_titles_of_axes_read_the_same(script):
    """From the left, and from below where an axis is about upright: never from above."""
    angles = np.arange(-179.5, 180.0)
    ways = np.stack([np.cos(np.radians(angles)), -np.sin(np.radians(angles))], axis=1)  # y down
    ours = np.array([-reading(way) for way in ways])
    found = script("a.map((one) => window.jetlrp.axes.reading(one))", np.radians(angles).tolist())
    np.testing.assert_allclose(np.degrees(found), ours, atol=1e-9)
    assert ours.min() == pytest.approx(-69.5)
    assert ours.max() == pytest.approx(109.5)
    np.testing.assert_allclose(np.sin(np.radians(2 * (ours - angles))), 0, atol=1e-9)


def test_views_have_the_keys_of_the_page(script):
    usual = script(
        "Object.fromEntries(Object.entries(window.jetlrp.view.KEYS).map(([k, [v]]) => [k, v]))"
    )
    from lrp_core.figures.view import KINDS, PAGE_ONLY

    assert set(usual) <= {*KINDS, *PAGE_ONLY}
    view = View()
    shared = [key for key in KINDS if key in usual]
    assert len(shared) > 20
    assert {key: getattr(view, key) for key in shared} == {key: usual[key] for key in shared}
