"""Every control of the network plot: what it changes in the picture, and that it asks nobody."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.app.test_page import (
    TRACK_SPOT,
    click_track,
    eventually,
    still,
    turn,
    wait_for_jet,
    written,
)
from tests.app.toy_service import FEATURES

pytestmark = pytest.mark.browser

TRACES = """
() => {
  const { scene, view } = window.jetlrp;
  const div = document.getElementById("network");
  const { made } = scene.stateOf("network");
  const { list, k } = scene.selected(made, view.state);
  const { number, count } = made.edges;
  const byNumber = (values) => Array.from({ length: count },
    (_, edge) => values[made.edges.places.get(edge)]);
  const named = (name) => div.data.find((trace) => trace.name === name);
  const tracks = named("tracks");
  const edges = div.data.filter(
    (trace) => trace.meta && trace.meta.kind === "edges" && trace.visible);
  return {
    names: div.data.map((trace) => trace.name),
    drawn: edges.reduce((sum, trace) => sum + trace.meta.edges.length, 0),
    edges: Array.from(list).slice(0, k).map((place) => number[place]),
    rest: named("rest").visible,
    widths: edges.map((trace) => trace.line.width),
    colours: edges.flatMap((trace) => Array.from(trace.line.color)),
    tracks: { x: Array.from(tracks.x), y: Array.from(tracks.y), z: Array.from(tracks.z),
              color: Array.from(tracks.marker.color), symbol: tracks.marker.symbol || null,
              size: Array.from(tracks.marker.size), rim: tracks.marker.line.color },
    isolated: named("isolated") ? named("isolated").marker.line.color : null,
    titles: ["x", "y", "z"].map((side) => div.layout.scene[side + "axis"].title.text),
    projection: div.layout.scene.camera.projection.type,
    source: byNumber(made.edges.source), destination: byNumber(made.edges.destination),
    significance: byNumber(made.edges.significance),
  };
}
"""
CAMERA = """
() => {
  const camera = window.jetlrp.camera.live(document.getElementById("network"));
  return Object.fromEntries(Object.entries(camera).map(([part, at]) => [part, [at.x, at.y, at.z]]));
}
"""
ACCENT = "getComputedStyle(document.documentElement).getPropertyValue('--accent').trim()"


def open_jet(page, site, index, **view):
    more = "".join(f"&{key}={value}" for key, value in view.items())
    page.goto(f"{site.address}/?jet={index}{more}")
    page.wait_for_selector(".ag-row")  # the list asks by itself, whenever it is ready
    wait_for_jet(page, index)


def drawn(page, true="true"):
    """What is drawn, once it is so that ``true`` (an expression in JavaScript) holds."""
    page.wait_for_function(f"() => {{ const now = ({TRACES})(); return {true}; }}")
    still(page)  # the data are there before the picture, and the legend is the last of it
    return page.evaluate(TRACES)


def camera(page, true):
    """Where the camera has come to stand, once ``true`` holds of it."""
    page.wait_for_function(f"() => {{ const now = ({CAMERA})(); return {true}; }}")
    still(page)
    return page.evaluate(CAMERA)


def address(page, key):
    """What the address says of a key, once it has been written."""
    return written(page).get(key)


@pytest.fixture
def asks_nobody(toy_site):
    """Called first, and called again: between the two the service must not have been asked.

    The list and the heartbeat ask by themselves, whenever they are ready. Other axes, colours and
    sizes ask for pictures, but for no explanation.
    """
    before = []

    def between(*, pictures=False):
        paths = [path for _, path, _ in toy_site.service.requests]
        own = ("/jets", "/health", "/cameras")
        before.append([path for path in paths if path not in own])
        first, last = (
            [path for path in one if not (pictures and "/pictures/" in path)]
            for one in (before[0], before[-1])
        )
        assert first == last

    yield between
    assert len(before) == 2


def look(page):
    if not page.locator("#look").is_visible():
        page.locator("#look-button").click()
    page.locator("#look").wait_for()


def test_the_threshold_draws_what_is_at_least_so_significant(toy_site, page, asks_nobody):
    open_jet(page, toy_site, 0)
    asks_nobody()
    first = drawn(page)
    assert first["drawn"] == 130  # a fifth of 650
    handle = page.locator("#edges-threshold")
    assert handle.get_attribute("role") == "slider"
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("window.jetlrp.view.state.least > 0")
    fewer = drawn(page, "now.drawn < 130")
    least = page.evaluate("window.jetlrp.view.state.least")
    significance = np.array(fewer["significance"])
    assert fewer["drawn"] == (significance >= least).sum()
    assert set(fewer["edges"]) == set(np.flatnonzero(significance >= least).tolist())
    says = handle.get_attribute("aria-valuetext")
    found = re.fullmatch(r"at least (0\.\d+): (\d+) edges, ([\d.]+) % of the significance", says)
    assert found
    assert int(found[2]) == fewer["drawn"]
    share = significance[significance >= least].sum()
    assert float(found[3]) == pytest.approx(100 * share, rel=1e-2)
    assert float(address(page, "least")) == pytest.approx(least)

    # the bars hold every edge, in the colours of the edges where they are drawn
    counts = page.evaluate(
        "(() => { const { histogram, scene } = window.jetlrp;"
        " const { made } = scene.stateOf('network');"
        " return histogram.bins(made.edges, made.edges.every).counts; })()"
    )
    assert sum(counts) == 650
    bars = page.locator("[data-histogram] .shown-edges rect")
    assert bars.count() == sum(count > 0 for count in counts)
    clip = float(page.locator("#histogram-shown rect").get_attribute("x"))
    assert clip > 0

    page.keyboard.press("End")
    assert drawn(page, "now.drawn === 1")["edges"] == [int(significance.argmax())]
    page.keyboard.press("ArrowLeft")
    drawn(page, "now.drawn > 1")
    page.keyboard.press("Home")
    assert drawn(page, "now.drawn === 650")["rest"] is False

    # the slider for the number takes the threshold away
    page.keyboard.press("PageUp")
    now = drawn(page, "now.drawn < 650")["drawn"]
    page.locator("#edges-slider").focus()
    page.keyboard.press("ArrowLeft")
    drawn(page, f"now.drawn < {now}")
    assert page.evaluate("window.jetlrp.view.state.least") is None
    assert address(page, "least") is None
    asks_nobody()


def test_a_link_with_a_threshold_restores_it(toy_site, page):
    open_jet(page, toy_site, 0, least="0.004", edges="7")
    now = drawn(page)
    assert now["drawn"] == (np.array(now["significance"]) >= 0.004).sum() != 7
    assert "0.0040" in page.locator("[data-says=least]").inner_text()


def test_dragging_the_threshold_leaves_the_faint_rest_out(toy_site, page, asks_nobody):
    open_jet(page, toy_site, 0)
    asks_nobody()
    assert drawn(page)["rest"] is True
    box = page.locator("[data-histogram]").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.9, y)
    page.mouse.down()
    few = drawn(page, "!now.rest")["drawn"]
    page.mouse.move(box["x"] + box["width"] * 0.5, y, steps=5)
    more = drawn(page, f"now.drawn > {few}")
    assert more["rest"] is False
    page.mouse.up()
    released = drawn(page, "now.rest")
    least = page.evaluate("window.jetlrp.view.state.least")
    assert released["drawn"] == (np.array(released["significance"]) >= least).sum()
    spread = page.evaluate(
        "(() => { const { histogram, scene } = window.jetlrp;"
        " const { made } = scene.stateOf('network');"
        " return histogram.bins(made.edges, made.edges.every); })()"
    )
    middle = 10 ** ((spread["low"] + spread["high"]) / 2)
    assert least == pytest.approx(middle, rel=0.1)
    asks_nobody()


def test_the_look_of_the_tracks_and_edges(toy_site, page, asks_nobody):
    open_jet(page, toy_site, 5)
    asks_nobody()
    before = drawn(page)
    legend = page.locator("#network-legend")
    button = page.locator("#look-button")

    def said(words):
        eventually(page, lambda: words in legend.text_content())

    assert button.get_attribute("aria-expanded") == "false"
    button.focus()
    page.keyboard.press("Enter")
    page.locator("#look").wait_for()
    page.wait_for_selector("#look-button[aria-expanded=true]")

    page.locator('#look [data-view=color][data-value="charge"]').click()
    now = drawn(page, "now.tracks.symbol.includes('diamond')")
    charge = toy_site.service.tracks(5)[:, FEATURES.index("track_charge")]
    assert [s == "circle" for s in now["tracks"]["symbol"]] == [q > 0 for q in charge]
    assert len(set(now["tracks"]["color"])) == 2
    said("Track charge")
    assert "Track relevance" not in legend.text_content()
    page.locator('#look [data-view=color][data-value="origin"]').click()
    said("Track origin")
    page.locator('#look [data-view=color][data-value="relevance"]').click()
    drawn(page, "!now.tracks.symbol.includes('diamond')")
    said("Track relevance")

    page.locator('#look [data-view=size][data-value="relevance"]').click()
    now = drawn(page, f"now.tracks.size[0] !== {before['tracks']['size'][0]}")
    order = page.evaluate("window.jetlrp.scene.stateOf('network').made.tracks.order")
    assert np.argsort(now["tracks"]["size"]).tolist() == order[::-1]
    said("|relevance|")

    page.locator('#look [data-view=edgecolor][data-value="relevance"]').click()
    said("Edge relevance")
    now = drawn(page, f"now.colours[0] !== '{before['colours'][0]}'")
    assert now["widths"] == before["widths"]  # width says the significance either way

    marks = {"displaced", "leptons"} & set(before["names"])
    assert marks
    page.locator("#look [data-toggle=marks]").click()
    drawn(page, f"!{sorted(marks)}.some((name) => now.names.includes(name))")
    eventually(page, lambda: "Marked tracks" not in legend.text_content())

    page.keyboard.press("Escape")
    page.locator("#look").wait_for(state="hidden")
    page.wait_for_selector("#look-button[aria-expanded=false]")
    look(page)
    page.mouse.click(640, 300)  # beside it
    page.locator("#look").wait_for(state="hidden")

    view = {key: address(page, key) for key in ("size", "edgecolor", "marks")}
    assert view == {"size": "relevance", "edgecolor": "relevance", "marks": "0"}
    asks_nobody(pictures=True)


def test_a_link_restores_the_look_and_what_is_not_known_is_not_offered(toy_site, page):
    open_jet(page, toy_site, 0, color="origin", size="relevance", edgecolor="relevance", marks="0")
    look(page)
    assert not page.locator('#look [data-value="origin"]').is_visible()  # no truth for this jet
    pressed = page.locator("#look [aria-pressed=true]").all_inner_texts()
    assert pressed[:2] == ["relevance", "relevance"]
    assert "for / against" in pressed
    assert page.locator("#look [data-toggle=marks]").get_attribute("aria-pressed") == "false"
    legend = page.locator("#network-legend")
    eventually(page, lambda: "Edge relevance" in legend.text_content())
    assert "displaced" not in drawn(page)["names"]


def test_axes_by_preset_and_by_feature(toy_site, page, asks_nobody):
    open_jet(page, toy_site, 0)
    asks_nobody()
    first = drawn(page)
    assert first["titles"][2].endswith("· log")
    look(page)
    preset = page.locator("#look .presets button")
    assert preset.all_inner_texts() == ["angles · log pT", "angles · pT", "impact parameters"]
    assert preset.nth(2).is_disabled()  # this file has no track_dz
    preset.nth(1).click()
    linear = drawn(page, "now.titles[2].endsWith('· linear')")
    np.testing.assert_allclose(
        linear["tracks"]["z"], 10 ** np.array(first["tracks"]["z"]), rtol=1e-4
    )
    assert preset.nth(1).get_attribute("aria-pressed") == "true"
    assert preset.nth(0).get_attribute("aria-pressed") == "false"
    assert page.locator("#axis-z").input_value() == "track_pt"

    values = dict(zip(FEATURES, toy_site.service.tracks(0)[0].tolist(), strict=True))
    for side, name in (("x", "track_dxy"), ("y", "trackBTag_Sip3dSig"), ("z", "track_drsubjet1")):
        page.locator(f"#axis-{side}").select_option(name)
        page.wait_for_function(f"window.jetlrp.view.state.{side} === '{name}'")
        now = drawn(page, f"Math.abs(now.tracks.{side}[0] - {values[name]}) < 1e-6")
    assert "jet axis" not in now["names"]  # directions have a place on the floor of angles only
    assert "(cm)" in now["titles"][0]
    assert address(page, "x") == "track_dxy"
    asks_nobody(pictures=True)
    page.reload()
    wait_for_jet(page, 0)
    assert drawn(page)["titles"] == now["titles"]


def test_a_click_leaves_the_camera_out_of_the_address_and_a_drag_writes_it(toy_site, page):
    open_jet(page, toy_site, 5)
    start = page.evaluate(CAMERA)
    x, y = page.evaluate(TRACK_SPOT, ["network", 2])
    page.mouse.move(x, y)
    page.wait_for_function("window.jetlrp.view.hovered.track !== null")
    track = page.evaluate("window.jetlrp.view.hovered.track")
    page.mouse.down()
    page.mouse.move(x + 2, y - 1)  # the hand shakes
    page.wait_for_timeout(100)
    assert page.evaluate("window.jetlrp.view.state.track") is None  # not before it lets go
    page.mouse.up()
    page.wait_for_function(f"window.jetlrp.view.state.track === {track}")
    still(page)
    assert page.evaluate("window.jetlrp.view.state.camera") is None
    now = page.evaluate(CAMERA)
    assert all(now[part] == pytest.approx(start[part], abs=1e-4) for part in start)
    assert address(page, "track") == str(track)
    assert "camera" not in written(page)

    turn(page)
    turned = page.evaluate(CAMERA)
    assert turned["eye"] != pytest.approx(start["eye"], abs=1e-2)
    said = [float(part) for part in written(page)["camera"].split(",")]
    assert said == pytest.approx([*turned["eye"], *turned["center"], *turned["up"]], abs=2e-3)


def test_camera_presets_projection_and_reset(toy_site, page):
    page.emulate_media(reduced_motion="no-preference")
    open_jet(page, toy_site, 3)
    start = page.evaluate(CAMERA)
    asked = len(toy_site.service.requests)
    page.locator("#camera-front").click()
    camera(page, "Math.abs(now.eye[0]) < 1e-3 && now.eye[1] < -1")
    page.locator("#camera-side").click()
    side = camera(page, "now.eye[0] > 1 && Math.abs(now.eye[1]) < 1e-3")
    assert side["up"] == pytest.approx([0, 0, 1], abs=2e-2)
    page.locator("#camera-top").click()
    top = camera(
        page, "now.eye[2] > 1 && now.up[1] > 0.99999 && Math.hypot(now.eye[0], now.eye[1]) < 1e-3"
    )
    assert top["up"] == pytest.approx([0, 1, 0], abs=1e-2)
    silent = "document.getElementById('network').layout.scene.zaxis.title.text === ''"
    page.wait_for_function(silent)  # the axis it looks along would only be a blot

    ortho = page.locator("#camera-ortho")
    ortho.click()
    assert drawn(page, "now.projection === 'orthographic'")
    assert ortho.get_attribute("aria-pressed") == "true"
    assert page.evaluate(CAMERA)["eye"] == pytest.approx(top["eye"], abs=1e-3)
    assert address(page, "projection") == "orthographic"
    turned = [float(part) for part in address(page, "camera").split(",")]
    assert turned[:3] == pytest.approx(top["eye"], abs=1e-3)
    page.reload()  # the link stands as it was
    wait_for_jet(page, 3)
    assert drawn(page)["projection"] == "orthographic"
    assert page.evaluate(CAMERA)["eye"] == pytest.approx(top["eye"], abs=1e-3)

    page.locator("#camera-start").click()
    drawn(page, "now.projection === 'perspective'")
    camera(page, f"Math.abs(now.eye[0] - {start['eye'][0]}) < 1e-2")
    assert address(page, "camera") is None
    page.locator("#camera-front").click()
    camera(page, "Math.abs(now.eye[0]) < 1e-3")
    page.locator("#reset-view").click()
    camera(page, f"Math.abs(now.eye[0] - {start['eye'][0]}) < 1e-2")
    assert address(page, "camera") is None
    explained = [path for _, path, _ in toy_site.service.requests[asked:] if "explanation" in path]
    assert len(explained) <= 1  # the reload's


def test_turning_slowly_stops_at_a_touch_and_leaves_the_address_alone(toy_site, page, asks_nobody):
    page.add_init_script(
        "window.writes = 0; const replace = history.replaceState.bind(history);"
        "history.replaceState = (...all) => { window.writes += 1; return replace(...all); };"
    )
    open_jet(page, toy_site, 3)
    asks_nobody()
    history = page.evaluate("history.length")
    before = page.evaluate(CAMERA)
    page.locator("#camera-rotate").click()
    camera(page, f"Math.abs(now.eye[0] - {before['eye'][0]}) > 0.05")
    assert page.locator("#camera-rotate").get_attribute("aria-pressed") == "true"
    assert address(page, "rotate") == "1"
    page.evaluate("window.writes = 0")
    page.wait_for_timeout(1200)
    assert page.evaluate("window.writes") == 0
    assert page.evaluate("history.length") == history
    now = page.evaluate(CAMERA)
    assert now["eye"][2] == pytest.approx(before["eye"][2], abs=1e-3)
    assert np.hypot(*now["eye"][:2]) == pytest.approx(np.hypot(*before["eye"][:2]), abs=1e-3)

    box = page.locator("#network").bounding_box()
    page.mouse.click(box["x"] + 20, box["y"] + box["height"] - 60, delay=100)
    page.wait_for_function("!window.jetlrp.view.state.rotate")
    still(page)
    stopped = page.evaluate(CAMERA)
    page.wait_for_timeout(500)
    assert page.evaluate(CAMERA) == stopped
    assert address(page, "rotate") is None
    asks_nobody()


def test_a_link_that_turns_waits_where_motion_is_unwelcome(toy_site, page):
    open_jet(page, toy_site, 3, rotate="1")
    assert page.evaluate("window.jetlrp.view.state.rotate") is False
    page.emulate_media(reduced_motion="no-preference")
    open_jet(page, toy_site, 3, rotate="1")
    before = page.evaluate(CAMERA)
    camera(page, f"Math.abs(now.eye[0] - {before['eye'][0]}) > 0.02")


FILLS = """
(selector) => {
  const box = document.querySelector(selector).getBoundingClientRect();
  return box.x === 0 && box.y === 0 && box.width === innerWidth && box.height === innerHeight;
}
"""


def test_full_screen_and_talk_mode_in_any_order(toy_site, page):
    open_jet(page, toy_site, 3)
    button = page.locator("#camera-full")
    full = "document.documentElement.dataset.full ?? null"
    line, panel = page.locator("#talk-line"), page.locator(".scene-panel")

    def lie_apart():
        """The line of the talk is what one sees in its place, and the plot begins below it."""
        line.wait_for()
        page.wait_for_function(
            "() => { const box = document.getElementById('talk-line').getBoundingClientRect();"
            " const seen = document.elementFromPoint(box.x + 40, box.y + box.height / 2);"
            " const plot = document.querySelector('.scene-panel').getBoundingClientRect();"
            " return Boolean(seen.closest('#talk-line')) && plot.top >= box.bottom - 1; }"
        )

    button.click()
    page.wait_for_function("document.fullscreenElement !== null")
    page.wait_for_function(FILLS, arg=".scene-panel")
    assert button.get_attribute("aria-pressed") == "true"
    assert not page.locator("header.bar").is_visible()  # nothing behind it is reached by Tab
    page.keyboard.press("m")
    lie_apart()
    page.locator("#talk-end").focus()
    page.keyboard.press("Enter")
    line.wait_for(state="hidden")
    page.wait_for_function(FILLS, arg=".scene-panel")  # the plot has the screen again
    page.keyboard.press("v")
    page.wait_for_function("document.fullscreenElement === null")
    eventually(page, lambda: panel.bounding_box()["x"] > 0)
    assert button.get_attribute("aria-pressed") == "false"

    # the other way round; Escape leaves the full screen, as the browser has it, and then the talk
    page.keyboard.press("m")
    line.wait_for()
    page.keyboard.press("v")
    page.wait_for_function("document.fullscreenElement !== null")
    lie_apart()
    page.keyboard.press("Escape")
    page.wait_for_function("document.fullscreenElement === null")
    assert page.evaluate(full) is None
    lie_apart()
    page.keyboard.press("Escape")
    page.locator("header.bar").wait_for()
    assert page.locator("#talk-switch").get_attribute("aria-pressed") == "false"

    # where no full screen is allowed, as in a frame, the plot fills the window
    page.evaluate(
        "() => { document.documentElement.requestFullscreen = async () => { throw new Error(); }; }"
    )
    page.keyboard.press("v")
    page.wait_for_function(FILLS, arg=".scene-panel")
    page.keyboard.press("Escape")
    page.wait_for_function(f"({full}) === null")
    eventually(page, lambda: panel.bounding_box()["x"] > 0)


def test_a_click_on_a_track_leaves_its_edges(toy_site, page, asks_nobody):
    open_jet(page, toy_site, 0, edges=40)
    asks_nobody()
    chip = page.locator("#isolated")
    assert not chip.is_visible()
    click_track(page, 7)
    chip.wait_for()
    assert "track 7" in chip.inner_text()
    both = drawn(page, "now.isolated !== null")
    assert both["isolated"] == page.evaluate(ACCENT)
    assert all(7 in (both["source"][edge], both["destination"][edge]) for edge in both["edges"])
    assert len(both["edges"]) == 40
    assert page.locator("#edges-words strong").inner_text() == "40 of 50"

    # tracks at neither end of a drawn edge are dim, which shows in their rims
    ends = {both["source"][edge] for edge in both["edges"]} | {
        both["destination"][edge] for edge in both["edges"]
    }
    bright = both["tracks"]["rim"][7]
    assert {t for t, rim in enumerate(both["tracks"]["rim"]) if rim == bright} == ends
    assert len(ends) < 26

    for ways, side in (("out", "source"), ("in", "destination")):
        chip.locator(f'[data-view=ways][data-value="{ways}"]').click()
        now = drawn(page, f"now.edges.every((edge) => now.{side}[edge] === 7)")
        assert len(now["edges"]) == 25
        assert page.locator("#edges-words strong").inner_text() == "25 of 25"
    assert (address(page, "track"), address(page, "ways")) == ("7", "in")
    asks_nobody()
    page.reload()
    wait_for_jet(page, 0)
    assert drawn(page)["edges"] == now["edges"]
    chip.get_by_role("button", name="All edges again").click()
    chip.wait_for(state="hidden")
    assert drawn(page, "now.isolated === null")["drawn"] == 40
    assert address(page, "track") is None


def test_a_drag_that_begins_on_a_track_turns_and_chooses_nothing(toy_site, page):
    open_jet(page, toy_site, 0)
    before = page.evaluate(CAMERA)
    x, y = page.evaluate(TRACK_SPOT, ["network", 7])
    page.mouse.move(x, y)
    page.wait_for_function("window.jetlrp.view.hovered.track !== null")
    page.mouse.down()
    for step in [*range(1, 8), *range(6, -1, -1)]:  # and comes back to where it was
        page.mouse.move(x + 12 * step, y + 4 * step)
        page.wait_for_timeout(40)
        if step == 7:
            camera(page, f"Math.abs(now.eye[0] - {before['eye'][0]}) > 0.05")
    page.mouse.up()
    still(page)
    view = "(({ track, edge }) => [track, edge])(window.jetlrp.view.state)"
    assert page.evaluate(view) == [None, None]
    for button in ("right", "middle"):
        page.mouse.click(*page.evaluate(TRACK_SPOT, ["network", 7]), button=button, delay=60)
    still(page)
    assert page.evaluate(view) == [None, None]


def test_a_finger_taps_and_turns(toy_site, browser):
    context = browser.new_context(
        viewport={"width": 1280, "height": 720}, has_touch=True, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    open_jet(page, toy_site, 0)
    page.touchscreen.tap(*page.evaluate(TRACK_SPOT, ["network", 7]))
    page.wait_for_function("window.jetlrp.view.state.track === 7")
    page.locator("#scene-tooltip", has_text="Track 7").wait_for()
    still(page)
    assert page.evaluate("window.jetlrp.view.state.camera") is None
    # a finger that moves turns the plot, and the view knows
    before = page.evaluate(CAMERA)
    box = page.locator("#network").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.9
    finger = context.new_cdp_session(page)
    finger.send("Input.dispatchTouchEvent",
                {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})  # fmt: skip
    for step in range(1, 6):
        finger.send("Input.dispatchTouchEvent",
                    {"type": "touchMove",
                     "touchPoints": [{"x": x + 15 * step, "y": y}]})  # fmt: skip
        page.wait_for_timeout(50)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    camera(page, f"Math.abs(now.eye[0] - {before['eye'][0]}) > 0.05")
    page.wait_for_function("window.jetlrp.view.state.camera !== null")
    assert page.evaluate("window.jetlrp.view.state.track") == 7
    context.close()


def test_what_the_pointer_is_on_is_ringed_in_the_plot(toy_site, page):
    open_jet(page, toy_site, 0)
    ring = page.locator(".highlight circle")
    revision = "window.jetlrp.scene.stateOf('network').revision"
    drawn_before = page.evaluate(revision)
    assert ring.count() == 0
    page.evaluate("window.jetlrp.view.hover({ track: 3 })")
    ring.wait_for(state="attached")
    assert page.locator(".highlight text").text_content() == "3"
    at = page.evaluate(
        "(() => { const c = document.querySelector('.highlight circle').getBoundingClientRect();"
        " return [c.x + c.width / 2, c.y + c.height / 2]; })()"
    )
    page.evaluate("window.jetlrp.view.hover(null)")
    eventually(page, lambda: ring.count() == 0)
    found = None
    for step in range(40):  # Plotly finds a track just where the ring was, once it has drawn
        page.mouse.move(at[0] - 3 + step % 7, at[1])
        page.wait_for_timeout(150)
        found = page.evaluate("window.jetlrp.view.hovered.track")
        if found is not None:
            break
    assert found is not None

    page.evaluate("window.jetlrp.view.hover({ edge: 3 })")
    page.locator(".highlight polyline").wait_for(state="attached")
    still(page)
    assert page.evaluate(revision) == drawn_before  # the plot itself is not drawn again


@pytest.mark.parametrize(
    "view",
    [{}, {"edgecolor": "relevance"}, {"color": "charge", "edgecolor": "relevance", "track": 1}],
)
def test_nothing_is_clipped_on_a_small_screen(real_site, page, view):
    open_jet(page, real_site, 289, **view)
    clipped = page.evaluate("""() => {
      const panel = document.querySelector(".scene-panel").getBoundingClientRect();
      const parts = ".scene-controls > *:not([popover]), .scene-controls label, #edges-words," +
        " .camera-tools button, #network-legend, #network-legend text, #isolated," +
        " [data-histogram]";
      return [...document.querySelectorAll(parts)].filter((part) => {
        const box = part.getBoundingClientRect();
        return box.width && (box.left < panel.left || box.right > panel.right + 0.5 ||
          box.top < panel.top || box.bottom > panel.bottom + 0.5);
      }).map((part) => part.outerHTML.slice(0, 80));
    }""")
    assert clipped == []
    legend, panes = (
        page.locator(name).bounding_box() for name in ("#network-legend", ".stage .panes")
    )
    assert panes["x"] + panes["width"] <= legend["x"] + 1
    overflow = "(() => { const l = document.getElementById('network-legend');"
    assert page.evaluate(f"{overflow} return l.scrollHeight - l.clientHeight; }})()") <= 0
    assert page.evaluate(f"{overflow} return l.scrollWidth - l.clientWidth; }})()") <= 0
