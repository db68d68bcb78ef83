"""The vector figure beside the browser's picture: every track where the page shows it."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest

from lrp_core.figures import Camera, Drawing, View, to_png
from lrp_core.figures.camera import Projector
from lrp_core.figures.drawing import Path, Text
from lrp_core.figures.geometry import LENGTH, frame, orthographic_size, sizes
from lrp_core.figures.marks import BALL
from lrp_core.figures.network import scene_items
from lrp_core.figures.scene import Scales, Scene
from lrp_core.figures.theme import LIGHT
from tests.app.test_page import wait_for_jet

pytestmark = pytest.mark.browser

JET = 132  # 26 tracks
SEEN = """() => {
  const div = document.getElementById("network");
  const where = window.jetlrp.scene.stateOf("network").made.figure.tracks;
  const points = where.x.map((x, at) => [x, where.y[at], where.z[at]]);
  const { left, top } = div.getBoundingClientRect();
  return {
    left, top, size: [div.clientWidth, div.clientHeight], address: window.location.search,
    camera: window.jetlrp.camera.live(div), places: window.jetlrp.highlight.project(div, points),
    box: window.jetlrp.camera.inside(div).glplot.getAspectratio(),
    titles: window.jetlrp.camera.inside(div).glplot.axes._text.titles,
  };
}"""


@pytest.fixture(scope="module")
def explained(cms_data):
    from lrp_core.checkpoint import load_model
    from lrp_core.explainer import explain
    from lrp_core.reading import open_jets

    jet = open_jets(cms_data / "hbb_jets.root")[JET]
    return Scene.of(jet, explain(load_model(cms_data / "IN.pth"), jet))


def as_seen(camera) -> Camera:
    eye, center, up = (
        tuple(camera[part][side] for side in "xyz") for part in ("eye", "center", "up")
    )
    return Camera(eye, center, up)


def alone(places: np.ndarray, radii: np.ndarray) -> list[int]:
    """Tracks whose balls touch no other one."""
    away = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    room = away - radii[:, None] - radii[None] - 3 + 1e6 * np.eye(len(places))
    return np.flatnonzero(room.min(axis=1) > 0).tolist()


def ball(picture: np.ndarray, place: np.ndarray, radius: float, colour: np.ndarray):
    """Middle and number of the picture elements around a place that have about a colour."""
    reach = int(radius) + 6
    x, y = np.round(place).astype(int)
    window = picture[y - reach : y + reach + 1, x - reach : x + reach + 1]
    like = np.abs(window - colour).max(axis=2) < 24
    rows, columns = np.nonzero(like)
    middle = np.array([columns.mean() + x - reach + 0.5, rows.mean() + y - reach + 0.5])
    return middle, int(like.sum())


@pytest.mark.parametrize(
    ("query", "perspective"),
    [
        ("&camera=1.2,-1.5,0.9,0,0,-0.1,0,0,1", True),
        ("&projection=orthographic&edges=4", False),
    ],
)
def test_tracks_are_where_the_browser_draws_them(real_site, page, explained, query, perspective):
    image = pytest.importorskip("PIL.Image")
    page.goto(f"{real_site.address}/?jet={JET}&theme=light&marks=0&dock=.&track=16{query}")
    wait_for_jet(page, JET)
    seen = page.evaluate(SEEN)
    shot = image.open(io.BytesIO(page.screenshot())).convert("RGB")
    width, height = seen["size"]
    view = replace(View.from_link(seen["address"]), camera=as_seen(seen["camera"]))
    assert view.jet == JET

    where = frame(explained, view)
    assert seen["box"]["x"] == pytest.approx(
        1.0 if perspective else orthographic_size(width, height)
    )
    projector = Projector.of(
        view.camera, where.low, where.high, seen["box"]["x"] * LENGTH, (0, 0, width, height),
        perspective=perspective,
    )  # fmt: skip
    places = projector.project(where.points)[0]
    np.testing.assert_allclose(places, np.array(seen["places"])[:, :2], atol=1e-6)

    scales = Scales.of(explained)
    items = tuple(scene_items(explained, view, LIGHT, scales, (0, 0, width, height)))
    titles = [item for item in items if isinstance(item, Text) and item.kind == "title"]
    # the browser's stand further off, where lines that meet far away have another angle
    np.testing.assert_allclose([-item.degrees for item in titles], seen["titles"], atol=15)
    assert seen["titles"][2] == pytest.approx(90, abs=20), "read from below"
    drawing = Drawing(width, height, items, background=LIGHT.panel)
    ours = np.asarray(image.open(io.BytesIO(to_png(drawing))).convert("RGB"), dtype=int)
    left, top = round(seen["left"]), round(seen["top"])
    theirs = np.asarray(shot, dtype=int)[top : top + height, left : left + width]
    radii = BALL * sizes(explained, view, scales) / 2
    fills = {item.commands[0][1]: item.fill for item in items if isinstance(item, Path)
             and item.kind == "track"}  # fmt: skip
    found = []
    for track in alone(places, radii):
        x, y = places[track]
        if not (60 < x < width - 20 and 60 < y < height - 20):  # under the page's buttons
            continue
        fill = next(
            fill for (right, middle), fill in fills.items()
            if abs(right - x - radii[track]) < 0.1 and abs(middle - y) < 0.1
        )  # fmt: skip
        colour = np.array([int(fill[at : at + 2], 16) for at in (1, 3, 5)])
        found.append([ball(one, places[track], radii[track], colour) for one in (theirs, ours)])
    assert len(found) >= 5
    apart = [np.hypot(*(one[0] - other[0])) for one, other in found]
    assert np.median(apart) < 1.0, apart
    assert max(apart) < 2.5, apart  # an edge in front may cover part of a ball in the browser
    areas = [one[1] / other[1] for one, other in found]
    assert 0.75 < np.median(areas) < 1.3, areas
