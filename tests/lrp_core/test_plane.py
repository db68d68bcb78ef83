"""The plane: where things stand in it, what is sent to be selected from, what a figure selects."""

from __future__ import annotations

import base64
import itertools
import math
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from lrp_core.checkpoint import load_model
from lrp_core.explainer import explain
from lrp_core.figures import draw_network, draw_plane, geometry
from lrp_core.figures.drawing import Group, Path, Text, flat
from lrp_core.figures.marks import LINE
from lrp_core.figures.picture import Panel, Shown
from lrp_core.figures.plane import Box, arcs, named, picture_plane
from lrp_core.figures.scene import Scales, Scene
from lrp_core.figures.stream import flattened
from lrp_core.figures.theme import DARK, LIGHT
from lrp_core.figures.view import View
from lrp_core.reading import open_jets

FRAME = Box(44, 10, 264, 130)
SIZES = [(888, 180), (556, 150), (1100, 830)]
SVG = "{http://www.w3.org/2000/svg}"
MOST = 2_000


@pytest.fixture(scope="module")
def explained():
    """A simulated jet with both b-hadrons, and its explanation."""
    jet = open_jets()[96]
    return Shown(jet, explain(load_model(), jet))


@pytest.fixture(scope="module")
def large():
    """A simulated jet of 82 tracks: it has more edges than may be curves."""
    jet = open_jets()[1380]
    return Shown(jet, explain(load_model(), jet))


def picture(shown, view=None, *, size=SIZES[0], theme=DARK, font=14.0, pinned=None):
    return picture_plane(shown, view or View(), Panel(*size, font, theme), pinned)


def data(made, name):
    """An array of a picture's data."""
    field = made.data[name]
    raw = base64.b64decode(field["data"])
    return np.frombuffer(raw, np.dtype(field["dtype"]).newbyteorder("<")).reshape(field["shape"])


def kinds(items, kind):
    return [item for item in flat(items) if item.kind.split(" ")[0] == kind]


def groups(items, name):
    """The groups that have a datum of that name, by its value."""
    found = {}
    for item in items:
        if isinstance(item, Group):
            found |= {value: item for key, value in item.data if key == name}
            found |= groups(item.items, name)
    return found


# ------------------------------------------------------------------ directions


def test_names_of_directions_keep_apart_however_close_they_are():
    (alone,) = named([(150, 70)], [15], FRAME)
    assert (alone.left, alone.bottom) == (158, 68)  # to the right of its mark, and above
    random = np.random.default_rng(7)
    corners = [[44, 10], [264, 10], [44, 130], [264, 130]]
    centres = [*corners, *([44, 10] + random.random((60, 2)) * [220, 120]).tolist()]
    for centre in centres:
        for n_marks, away in [(2, 0), (2, 4), (2, 9), (2, 16), (3, 4), (3, 14)]:
            marks = np.clip(
                centre + away * random.normal(size=(n_marks, 2)), [44, 10], [264, 130]
            ).tolist()
            names = named(marks, [15] * n_marks, FRAME)
            for n, (mark, name) in enumerate(zip(marks, names, strict=True)):
                middle = (name.left + name.right) / 2, (name.top + name.bottom) / 2
                assert math.dist(middle, mark) < 20  # it is beside its own mark
                assert [other for other in names[:n] if name.shared(other) > 0.5] == []
                if n_marks == 2 and 40 < mark[1] < 100 and 74 < mark[0] < 234:
                    assert name.shared(FRAME) == pytest.approx(name.width * name.height)


def boxes_of_names(made):
    """Where the names of directions stand, as they are drawn."""
    from lrp_core.figures.typeset import measure

    found = []
    for one in kinds(made.items, "name"):
        assert isinstance(one, Text)
        wide = measure(one.text, one.size, bold=True)
        left = one.x - {"start": 0, "middle": wide / 2, "end": wide}[one.anchor]
        found.append(Box(left, one.y - 0.8 * one.size, left + wide, one.y + 0.2 * one.size))
    return found


def check_names(jets, numbers, least):
    model = load_model()
    several = 0
    for number in numbers:
        shown = Shown(jets[number], explain(model, jets[number]))
        for size, font in itertools.product(SIZES, (14, 19)):
            names = boxes_of_names(picture(shown, size=size, font=font))
            several += len(names) > 1
            for one, other in itertools.combinations(names, 2):
                assert one.shared(other) < 0.5, (number, size)
            for one in names:
                inside = one.shared(Box(0, 0, *size))
                assert inside == pytest.approx(one.width * one.height)
    assert several >= least


def test_names_keep_apart_in_simulated_jets():
    """Of 294 and 358 the b-hadrons are so close that their names met."""
    check_names(open_jets(), [294, 358, *range(40, 60)], least=100)


def test_names_keep_apart_in_real_jets(cms_data):
    check_names(open_jets(cms_data / "hbb_jets.root"), range(12), least=50)


# ----------------------------------------------------------------------- where


@pytest.mark.parametrize("size", SIZES)
def test_the_angles_have_one_scale_around_the_jet_axis(explained, size):
    made = picture(explained, size=size)
    scene = Scene.of(*explained)
    places = data(made, "places")
    (axis,) = kinds(made.items, "jet-axis")
    points = np.array([values for _, values in axis.commands])
    zero = points[:2].mean(axis=0)
    angles = np.stack([scene.values["track_etarel"], -scene.values["track_phirel"]], axis=1)
    unit = np.polyfit(angles.ravel(), (places - zero).ravel(), 1)[0]
    np.testing.assert_allclose(places, zero + unit * angles, atol=1e-2)
    (frame,) = kinds(made.items, "axis")
    corners = np.array([values for _, values in frame.commands if values])
    np.testing.assert_allclose(corners.mean(axis=0), zero)
    low, high = corners.min(axis=0), corners.max(axis=0)
    assert (low > 0).all()
    assert (high < size).all()
    directions = np.array([[x, y] for _, _, x, y in made.data["directions"]])
    for found in (places, directions):
        assert (found > low).all()
        assert (found < high).all()
    assert [f"{kind} {n}" for kind, n, _, _ in made.data["directions"]] == [
        *("subjet 1", "subjet 2", "b-hadron 1", "b-hadron 2")
    ]
    # rings are as far as they say, and stay in the frame
    for delta, ring in zip((0.4, 0.8), kinds(made.items, "distance")[::2], strict=False):
        points = np.array(flattened(ring.commands))
        np.testing.assert_allclose(np.hypot(*(points - zero).T), delta * unit, rtol=1e-3)
        assert (points > low - 0.1).all()
        assert (points < high + 0.1).all()


def test_of_a_circle_there_is_what_is_in_the_frame():
    def length(*circle):
        commands = arcs(*circle, FRAME)
        starts = [at for at, (letter, _) in enumerate(commands) if letter == "M"]
        pieces = [commands[a:b] for a, b in itertools.pairwise([*starts, len(commands)])]
        ways = [np.diff(flattened(piece), axis=0) for piece in pieces]
        return sum(np.hypot(*way.T).sum() for way in ways)

    assert length(150, 70, 50) == pytest.approx(2 * math.pi * 50, rel=1e-3)
    assert length(44, 70, 50) == pytest.approx(math.pi * 50, rel=1e-3)
    assert length(44, 10, 50) == pytest.approx(math.pi * 25, rel=1e-3)
    assert arcs(150, 70, 500, FRAME) == ()
    both = 4 * math.asin(60 / 100) * 100  # what is left of it left and right
    assert length(154, 70, 100) == pytest.approx(both, rel=1e-3)


def test_other_axes_have_no_jet_axis(explained):
    made = picture(explained, View(x="log:track_pt", y="track_dxy"))
    scene = Scene.of(*explained)
    assert made.data["directions"] == []
    for kind in ("distance", "jet-axis", "name"):
        assert not kinds(made.items, kind)
    places = data(made, "places")
    np.testing.assert_array_equal(np.argsort(places[:, 0]), np.argsort(scene.pt))
    titles = {item.text for item in kinds(made.items, "title")}
    assert titles == {"track p_T (GeV) · log", "d_xy (cm)"} or len(titles) == 2
    assert "in the plane of track p_T" in made.facts["says"]


def test_words_of_axes_do_not_meet(explained):
    for view, size in itertools.product(
        (View(), View(x="track_dxy", y="log:track_pt"), View(y="trackBTag_Sip3dSig")),
        ((560, 160), (300, 232)),
    ):
        made = picture(explained, view, size=size)
        frame = kinds(made.items, "axis")[0].commands
        left = min(values[0] for _, values in frame if values)
        ticks = [item for item in kinds(made.items, "tick") if item.anchor == "end"]
        (up,) = [item for item in kinds(made.items, "title") if item.degrees]
        from lrp_core.figures.typeset import measure

        assert ticks
        for tick in ticks:
            assert tick.x < left
            assert up.x + 0.25 * up.size < tick.x - measure(tick.text, tick.size)
        assert up.x - 0.8 * up.size >= 0


# ----------------------------------------------------------------------- edges


def test_the_curves_are_those_of_the_network_plot(explained):
    made = picture(explained)
    scene = Scene.of(*explained)
    scales = Scales.of(scene)
    edges = data(made, "edges")
    np.testing.assert_array_equal(edges, scene.order)
    where = geometry.frame(scene, View())
    bunches = geometry.strong_edges(
        scene, scene.order, where, len(edges), view=View(), theme=DARK, scales=scales
    )
    widths = np.concatenate([np.full(len(one.edges), one.width) for one in bunches])
    found = data(made, "widths")
    np.testing.assert_allclose(found / found[0], widths / widths[0], rtol=1e-5)
    # they start and end at their tracks, and are bent as seen from above
    bends, places = data(made, "curves"), data(made, "places")
    np.testing.assert_allclose(bends[:, 0], places[scene.source[edges]], atol=1e-3)
    np.testing.assert_allclose(bends[:, 2], places[scene.destination[edges]], atol=1e-3)
    points = geometry.curves(where, scene.source[edges], scene.destination[edges])
    to_px = np.polyfit(where.points[:, 0], places[:, 0], 1)
    quarter = (9 * bends[:, 0] + 6 * bends[:, 1] + bends[:, 2]) / 16
    np.testing.assert_allclose(quarter[:, 0], np.polyval(to_px, points[:, 2, 0]), atol=1e-2)
    # the strongest on top, from dull to bright
    drawn = kinds(made.items, "edge")
    assert [dict(one.data)["edge"] for one in drawn] == [str(edge) for edge in edges[::-1]]
    paint = drawn[-1].stroke
    assert paint.stops[1][1] == "#f0ffe6"
    np.testing.assert_allclose(paint.start, bends[0, 0], atol=1e-3)


def test_what_may_be_selected_is_sent(large):
    scene = Scene.of(*large)
    made = picture(large)
    np.testing.assert_array_equal(data(made, "edges"), scene.order[:MOST])
    root = ET.fromstring(made.svg())
    paths = [int(one.get("data-edge")) for one in root.iter(f"{SVG}path") if one.get("data-edge")]
    assert paths[::-1] == scene.order[:MOST].tolist()
    assert len(made.svg()) < 1_000_000
    # how many are shown is selected on the page, so nothing that is sent depends on it
    assert picture(large, View(edges=7, ways="in")).svg() == made.svg()
    # the edges of a track that is looked at, however weak, and both ways of them
    alone = data(picture(large, View(track=30, ways="out")), "edges")
    assert len(alone) == 2 * (large.jet.n_tracks - 1)
    assert ((scene.source[alone] == 30) | (scene.destination[alone] == 30)).all()
    # the chosen edge is there
    weak = int(scene.order[-1])
    chosen = data(picture(large, View(edge=weak)), "edges")
    assert chosen.tolist() == [*scene.order[:MOST].tolist(), weak]
    assert len(data(picture(large, View(edge=int(scene.order[3]))), "edges")) == MOST


def test_every_track_is_there_once(explained):
    made = picture(explained, View(color="origin"))
    scene = Scene.of(*explained)
    found = groups(made.items, "track")
    assert {int(track) for track in found} == set(range(scene.n_tracks))
    radii = data(made, "radii")
    order = [int(track) for track in found]
    assert order == np.argsort(-radii, kind="stable").tolist()  # the small ones on top
    for track, group in found.items():
        own = [item.kind for item in group.items]
        assert own.count("alone") == 1
        assert ("ring" in own) == bool(scene.displaced[int(track)])
    without = groups(picture(explained, View(marks=False)).items, "track")
    assert not any(item.kind == "ring" for group in without.values() for item in group.items)
    fills = {item.fill for group in found.values() for item in group.items if item.fill}
    assert len(fills & set(DARK.origins)) >= 2


def test_two_explanations_share_their_scales(explained, large):
    alone, beside = picture(explained), picture(explained, pinned=large)
    same = Scales.of(Scene.of(*explained), Scene.of(*large))
    sizes = geometry.size_of(Scene.of(*explained).pt, same.pt)
    radii = data(beside, "radii")
    np.testing.assert_allclose(radii / radii[0], sizes / sizes[0], rtol=1e-5)
    assert (radii <= data(alone, "radii") + 1e-6).all()


# --------------------------------------------------------------------- figures


def test_a_figure_draws_what_its_view_selects(explained):
    jet, explanation = explained
    drawing = draw_plane(jet, explanation, View(edges=40))
    network = draw_network(jet, explanation, View(edges=40))
    assert len(kinds(drawing.items, "edge")) == 40
    assert len(kinds(drawing.items, "rest")) == min(4000, jet.n_edges - 40)
    assert len(kinds(drawing.items, "track")) == jet.n_tracks
    assert not kinds(drawing.items, "alone")
    widths = [sorted(one.width for one in kinds(items.items, "edge"))
              for items in (drawing, network)]  # fmt: skip
    np.testing.assert_allclose(widths[0], widths[1])  # one legend tells both
    legends = [
        {item.text for item in items.items if isinstance(item, Text) and item.kind == "legend"}
        for items in (drawing, network)
    ]
    assert legends[0] == legends[1]
    assert "η–φ plane" in drawing.title
    assert max(widths[0]) > 3 * LINE


def test_a_figure_isolates_and_chooses(explained):
    jet, explanation = explained
    scene = Scene.of(jet, explanation)
    view = View(track=3, ways="out", edges=9, edge=5, theme="light")
    drawing = draw_plane(jet, explanation, view)
    edges = [int(dict(one.data)["edge"]) for one in kinds(drawing.items, "edge")]
    assert len(edges) == 9
    assert (scene.source[edges] == 3).all()
    assert [one.stroke for one in kinds(drawing.items, "alone")] == [LIGHT.accent]
    (chosen,) = kinds(drawing.items, "chosen")
    assert chosen.stroke == LIGHT.accent
    rims = [one.stroke for one in kinds(drawing.items, "track")]
    bright = {3, *scene.destination[edges].tolist()}
    assert rims.count(LIGHT.outline) == len(bright)
    fewer = draw_plane(jet, explanation, replace(view, edges=1, edge=None))
    assert not kinds(fewer.items, "chosen")
    upright = draw_plane(jet, explanation, View(), width=1080, height=1350)
    ends = [values for one in kinds(upright.items, "axis") for _, values in one.commands if values]
    assert max(y for _, y in ends) < 1350 * 0.85
    assert all(isinstance(item, Path | Text) for item in upright.items)
