"""The plane in a real browser: where things stand, what it is linked with, and without WebGL."""

from __future__ import annotations

import numpy as np
import pytest

from app.main import assets_folder
from tests.app.test_page import eventually, still

pytestmark = pytest.mark.browser

PICTURE = """
(change) => {
  const { plane, view, compare, colours } = window.jetlrp;
  const made = plane.picture(view.shown.a, { ...view.state, ...change }, colours.now(),
                             { scales: compare.scales(), width: 600, height: 300 });
  const { at } = made;
  return { zero: [at.x(0), at.y(0)], one: [at.x(0.1) - at.x(0), at.y(0) - at.y(0.1)],
           k: made.k, tracks: made.tracks, widths: [...new Set(made.curves.map((c) => c.width))],
           order: Array.from(made.order).slice(0, made.k), edges: made.curves.map((c) => c.edge),
           zoom: at.zoom, middle: [at.left + at.wide / 2, at.top + at.high / 2], svg: made.svg,
           directions: made.directions };
}
"""
SPOT = """
(track) => {
  const g = document.querySelector(`.plane [data-track="${track}"]`).getBoundingClientRect();
  return [g.left + g.width / 2, g.top + g.height / 2];
}
"""
NO_WEBGL = ("--no-sandbox", "--disable-gpu", "--disable-webgl", "--disable-3d-apis")


FRAME = {"left": 44, "top": 10, "wide": 220, "high": 120}


@pytest.fixture(scope="module")
def named(browser):
    """Marks of directions [x, y] -> the boxes of their names, as assets/plane.js places them."""
    tab = browser.new_page()
    tab.set_content("<div></div>")
    for name in ("dock", "plane"):
        tab.add_script_tag(path=assets_folder() / f"{name}.js")
    yield lambda marks: tab.evaluate(
        "([marks, frame]) => window.jetlrp.plane.named("
        "marks.map(([x, y]) => ({ x, y })), frame).map(({ name }) => name)",
        [marks, FRAME],
    )
    tab.close()


def area(one, other):
    """How much two boxes share, in square pixels."""
    across = min(one["right"], other["right"]) - max(one["left"], other["left"])
    down = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
    return max(0, across) * max(0, down)


def test_names_of_directions_keep_apart_however_close_they_are(named):
    frame = {"left": 44, "right": 264, "top": 10, "bottom": 130}
    (alone,) = named([[150, 70]])
    assert alone["left"] == 158  # to the right of its mark, and above
    assert alone["bottom"] == 68
    random = np.random.default_rng(7)
    corners = [[44, 10], [264, 10], [44, 130], [264, 130]]
    centres = [*corners, *([44, 10] + random.random((60, 2)) * [220, 120]).tolist()]
    for centre in centres:
        for n_marks, away in [(2, 0), (2, 4), (2, 9), (2, 16), (3, 4), (3, 14)]:
            marks = np.clip(
                centre + away * random.normal(size=(n_marks, 2)), [44, 10], [264, 130]
            ).tolist()
            names = named(marks)
            for n, (mark, name) in enumerate(zip(marks, names, strict=True)):
                width, height = name["right"] - name["left"], name["bottom"] - name["top"]
                near = np.hypot(
                    (name["left"] + name["right"]) / 2 - mark[0],
                    (name["top"] + name["bottom"]) / 2 - mark[1],
                )
                assert near < 20  # it is beside its own mark
                assert [other for other in names[:n] if area(name, other) > 0.5] == []
                inside = 40 < mark[1] < 100 and 74 < mark[0] < 234
                if n_marks == 2 and inside:
                    assert area(name, frame) == pytest.approx(width * height)


def opened(page, site, query):
    page.goto(f"{site.address}/?{query}")
    page.wait_for_selector("#network[data-drawn]", timeout=60_000)
    page.wait_for_selector("#plane-body[data-drawn]")
    still(page)


def state(page, key, value):
    """Wait until the view has a value."""
    page.wait_for_function(
        "([key, value]) => window.jetlrp.view.state[key] === value", arg=[key, value]
    )


def test_the_angles_have_one_scale_around_the_jet_axis(real_site, page):
    opened(page, real_site, "jet=12&dock=plane")
    made = page.evaluate(PICTURE, {})
    assert made["one"][0] == pytest.approx(made["one"][1])
    assert made["zero"] == pytest.approx(made["middle"])
    eta, phi = page.evaluate(
        "[window.jetlrp.view.shown.a.tracks.deltaEta, window.jetlrp.view.shown.a.tracks.deltaPhi]"
    )
    scale = made["one"][0] / 0.1
    for one, x, y in zip(made["tracks"], eta, phi, strict=True):
        assert one["x"] == pytest.approx(made["zero"][0] + scale * x, abs=1e-3)
        assert one["y"] == pytest.approx(made["zero"][1] - scale * y, abs=1e-3)
    assert [one["kind"] for one in made["directions"]] == ["subjet", "subjet"]
    one, other = (direction["name"] for direction in made["directions"])
    assert area(one, other) == 0
    drawn = page.evaluate("""() => {
      const all = document.querySelector("#plane-body svg").getBoundingClientRect();
      return [...document.querySelectorAll("#plane-body .directions text")].map((name) => {
        const { left, right, top, bottom } = name.getBoundingClientRect();
        return { left: left - all.left, right: right - all.left, bottom, top };
      });
    }""")
    assert [one["right"] - one["left"] <= 18 for one in drawn] == [True, True]
    assert area(*drawn) == 0
    assert "ΔR 0.4" in made["svg"]
    assert "NaN" not in made["svg"]


def test_edges_are_the_scene_s(real_site, page):
    opened(page, real_site, "jet=12&dock=plane")
    made = page.evaluate(PICTURE, {})
    drawn = page.evaluate(
        """() => document.getElementById("network").data
        .filter((t) => t.meta && t.meta.kind === "edges" && t.visible)
        .map((t) => t.line.width)"""
    )
    assert made["edges"] == made["order"]
    assert made["k"] == int(page.locator("#network").get_attribute("data-edges"))
    np.testing.assert_allclose(sorted(w / made["zoom"] for w in made["widths"]), sorted(drawn))
    # other axes: no rings and no directions, the tracks stand at the features' values
    other = page.evaluate(PICTURE, {"x": "log:track_pt", "y": "track_dxy"})
    assert other["directions"] == []
    assert "ΔR" not in other["svg"]
    pt = page.evaluate("window.jetlrp.view.shown.a.tracks.pt")
    assert np.argsort([one["x"] for one in other["tracks"]]).tolist() == np.argsort(pt).tolist()
    # one track alone
    alone = page.evaluate(PICTURE, {"track": 4})
    assert alone["k"] < made["k"]
    assert 'class="alone"' in alone["svg"]


def test_pointing_and_clicking_is_linked(real_site, page):
    opened(page, real_site, "jet=12&full=plane")
    track = page.evaluate("window.jetlrp.view.shown.a.tracks.byRelevance[5]")
    x, y = page.evaluate(SPOT, track)
    page.mouse.move(x, y)
    page.wait_for_function("window.jetlrp.view.hovered.track !== null")
    hovered = page.evaluate("window.jetlrp.view.hovered.track")
    page.locator("#scene-tooltip", has_text=f"Track {hovered}").wait_for()
    assert page.locator(".plane-lights circle").count() == 1
    page.mouse.click(x, y)
    state(page, "track", hovered)
    page.wait_for_selector(".plane .alone")
    page.mouse.click(x, y)
    state(page, "track", None)
    page.wait_for_selector(".plane .alone", state="detached")
    still(page)
    # another panel's pointer is ringed here
    page.mouse.move(5, 5)
    page.wait_for_function("window.jetlrp.view.hovered.track === null")
    page.evaluate("window.jetlrp.view.hover({ edge: 3 })")
    eventually(page, lambda: page.locator(".plane-lights circle").count() == 2)
    assert page.locator(".plane-lights path").count() == 1


def test_an_edge_opens_its_card(real_site, page):
    opened(page, real_site, "jet=12&full=plane&edges=1")
    place = page.evaluate(
        """() => { const { plane, view, compare, colours } = window.jetlrp;
        const host = document.querySelector("#plane-body .plane");
        const box = host.getBoundingClientRect();
        const made = plane.picture(view.shown.a, view.state, colours.now(),
          { scales: compare.scales(), width: host.clientWidth, height: host.clientHeight });
        const { points, edge } = made.curves[0];
        for (const [x, y] of points) {
          const found = plane.nearest(made, x, y);
          if (found && found.edge === edge) return { x: box.left + x, y: box.top + y, edge };
        }
        return null; }"""
    )
    page.mouse.click(place["x"], place["y"])
    state(page, "edge", place["edge"])
    page.locator("#scene-tooltip", has_text="→").wait_for()
    page.wait_for_selector(".plane .chosen", state="attached")


def test_the_keys_go_from_track_to_track(real_site, page):
    opened(page, real_site, "jet=12&dock=plane")
    first = page.evaluate("window.jetlrp.view.shown.a.tracks.byRelevance[1]")
    page.locator("#plane-body .plane").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    said = page.locator(".plane-said")
    eventually(page, lambda: said.inner_text().startswith(f"Track {first}"))
    page.keyboard.press("Enter")
    state(page, "track", first)


def test_truth_and_shapes_are_drawn(toy_site, page):
    opened(page, toy_site, "jet=5&full=plane&color=origin")
    made = page.evaluate(PICTURE, {})
    assert {one["shape"] for one in made["tracks"]} >= {"circle", "diamond"}
    assert [one["kind"] for one in made["directions"]].count("b-hadron") == 2
    assert "NaN" not in made["svg"]


@pytest.fixture
def page_without_webgl(browser, chromium):
    """A tab of a browser that has no WebGL at all; its console must stay empty."""
    opened = browser.browser_type.launch(executable_path=chromium, args=list(NO_WEBGL))
    tab = opened.new_page(viewport={"width": 1280, "height": 720}, color_scheme="dark")
    tab.set_default_timeout(60_000)
    complaints = []
    tab.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield tab
    opened.close()
    assert complaints == []


def test_the_plane_stands_in_where_there_is_no_webgl(real_site, page_without_webgl):
    page = page_without_webgl
    page.goto(f"{real_site.address}/?jet=12&dock=heat")
    page.wait_for_selector('#network[data-drawn="12"]', timeout=60_000)
    page.wait_for_selector("#heat-body svg.heatmap")
    still(page)
    assert page.evaluate("window.jetlrp.plane.webgl()") is False
    assert "WebGL is off" in page.locator("#network").inner_text()
    assert page.locator("#network .tracks [data-track]").count() == 16
    assert page.locator("#network .edges path").count() == int(
        page.locator("#network").get_attribute("data-edges")
    )
    assert page.locator("#network-legend figure").count() >= 2
    assert page.title().startswith("Jet 12")
    # it is the scene: clicks isolate, the heat map beside it is linked, another jet takes its place
    x, y = page.evaluate(SPOT, page.evaluate("window.jetlrp.view.shown.a.tracks.byRelevance[0]"))
    page.mouse.click(x, y)
    page.wait_for_function("window.jetlrp.view.state.track !== null")
    track = page.evaluate("window.jetlrp.view.state.track")
    page.wait_for_selector("#network .alone")
    still(page)
    page.evaluate("(track) => window.jetlrp.view.hover({ track })", track)
    eventually(page, lambda: page.locator("#network .plane-lights circle").count() == 1)
    page.locator('.ag-center-cols-container .ag-row[row-id="13"]').click()
    page.wait_for_selector('#network[data-drawn="13"]', timeout=60_000)
    eventually(page, lambda: page.locator("#network .tracks [data-track]").count() == 34)
