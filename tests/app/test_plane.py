"""The plane in a real browser: what is selected there, what it is linked with, without WebGL."""

from __future__ import annotations

import pytest

from tests.app.test_page import eventually, still

pytestmark = pytest.mark.browser

MADE = "window.jetlrp.scene.stateOf('network').made"  # the figure that is drawn

SPOT = """
(track) => {
  const g = document.querySelector(`.plane [data-track="${track}"] .track`).getBoundingClientRect();
  return [g.left + g.width / 2, g.top + g.height / 2];
}
"""
# the edges that are shown, and how many faint lines
SHOWN = """
() => ({
  edges: [...document.querySelectorAll(".plane [data-edge]:not(.off)")]
    .map((path) => +path.dataset.edge).reverse(),
  rest: (document.querySelector(".plane .rest").getAttribute("d").match(/M/g) || []).length,
})
"""
# a point of the strongest edge where nothing is nearer
ON_EDGE = """
() => {
  const path = [...document.querySelectorAll(".plane [data-edge]:not(.off)")].at(-1);
  const at = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM());
  return { x: at.x, y: at.y, edge: +path.dataset.edge };
}
"""
NO_WEBGL = ("--no-sandbox", "--disable-gpu", "--disable-webgl", "--disable-3d-apis")


def opened(page, site, query):
    page.goto(f"{site.address}/?{query}")
    page.wait_for_selector("#network[data-drawn]", timeout=60_000)
    page.wait_for_selector("#plane-body svg.plane")
    still(page)


def state(page, key, value):
    """Wait until the view has a value."""
    page.wait_for_function(
        "([key, value]) => window.jetlrp.view.state[key] === value", arg=[key, value]
    )


def count_asked(page):
    """-> a list that grows with every picture of the plane that is asked for: its query."""
    asked = []
    page.on("request", lambda r: asked.append(r.url) if "/pictures/plane" in r.url else None)
    return asked


def test_what_is_selected_needs_no_request(real_site, page):
    asked = count_asked(page)
    opened(page, real_site, "jet=12&dock=plane&edges=40")
    order = page.evaluate(f"Array.from({MADE}.edges.number)")
    n = len(order)
    assert page.evaluate(SHOWN) == {"edges": order[:40], "rest": n - 40}
    page.evaluate("window.jetlrp.view.set({ edges: 7 })")
    eventually(page, lambda: page.evaluate(SHOWN) == {"edges": order[:7], "rest": n - 7})
    page.evaluate("window.jetlrp.view.set({ track: 4, ways: 'out', edge: 3 })")
    page.wait_for_selector(".plane .is-alone")
    shown = page.evaluate(SHOWN)["edges"]
    source = page.evaluate(f"Array.from({MADE}.edges.source)")  # in the order of rank, too
    leaving = [edge for edge, track in zip(order, source, strict=True) if track == 4]
    assert shown == leaving[:7]
    assert page.locator(".plane .is-alone .alone").is_visible()
    assert page.locator(".plane .dim").count() == 16 - 8
    assert page.locator(".plane .chosen").get_attribute("d").startswith("M")
    page.evaluate("window.jetlrp.view.set({ track: null, edge: null })")
    page.wait_for_selector(".plane .is-alone", state="detached")
    assert page.locator(".plane .alone").first.is_hidden()
    assert page.locator(".plane .chosen").get_attribute("d") == ""
    assert len(asked) == 1
    # other axes are another picture; back is the one that was there
    page.evaluate("window.jetlrp.view.set({ x: 'log:track_pt' })")
    page.wait_for_selector(".plane .jet-axis", state="detached")
    page.evaluate("window.jetlrp.view.set({ x: 'track_etarel' })")
    page.wait_for_selector(".plane .jet-axis")
    assert len(asked) == 2
    assert "x%3Dlog" in asked[1]


def test_of_a_large_jet_the_edges_of_a_track_are_asked_for(toy_site, page):
    asked = count_asked(page)
    opened(page, toy_site, "jet=1&dock=plane")  # 118 tracks
    assert page.locator(".plane [data-edge]").count() == 2_000
    page.evaluate("window.jetlrp.view.set({ track: 7 })")
    eventually(page, lambda: page.locator(".plane [data-edge]").count() == 2 * 117)
    page.wait_for_selector(".plane .is-alone")
    assert len(page.evaluate(SHOWN)["edges"]) == 150
    assert "track%3D7" in asked[1]
    weak = f"{MADE}.edges.number.at(-1)"
    page.evaluate(f"window.jetlrp.view.set({{ track: null, edge: {weak} }})")
    eventually(page, lambda: page.locator(".plane [data-edge]").count() == 2_001)
    eventually(page, lambda: page.locator(".plane .chosen").get_attribute("d") != "")
    assert len(page.evaluate(SHOWN)["edges"]) == 150


def test_pointing_and_clicking_is_linked(real_site, page):
    opened(page, real_site, "jet=12&full=plane")
    track = page.evaluate(f"{MADE}.tracks.order[5]")
    x, y = page.evaluate(SPOT, track)
    page.mouse.move(x, y)
    page.wait_for_function("window.jetlrp.view.hovered.track !== null")
    hovered = page.evaluate("window.jetlrp.view.hovered.track")
    page.locator("#scene-tooltip", has_text=f"Track {hovered}").wait_for()
    assert page.locator(".plane-lights circle").count() == 1
    page.mouse.click(x, y)
    state(page, "track", hovered)
    page.wait_for_selector(".plane .is-alone")
    page.mouse.click(x, y)
    state(page, "track", None)
    page.wait_for_selector(".plane .is-alone", state="detached")
    still(page)
    # another panel's pointer is ringed here
    page.mouse.move(5, 5)
    page.wait_for_function("window.jetlrp.view.hovered.track === null")
    page.evaluate("window.jetlrp.view.hover({ edge: 3 })")
    eventually(page, lambda: page.locator(".plane-lights circle").count() == 2)
    assert page.locator(".plane-lights path").count() == 1


def test_an_edge_opens_its_card(real_site, page):
    opened(page, real_site, "jet=12&full=plane&edges=1")
    place = page.evaluate(ON_EDGE)
    page.mouse.click(place["x"], place["y"])
    state(page, "edge", place["edge"])
    page.locator("#scene-tooltip", has_text="→").wait_for()
    chosen = page.locator(".plane .chosen").get_attribute("d")
    assert chosen == page.locator(f".plane [data-edge='{place['edge']}']").get_attribute("d")
    page.mouse.move(place["x"] + 1, place["y"])
    page.wait_for_selector(".plane-lights path", state="attached")


def test_the_keys_go_from_track_to_track(real_site, page):
    opened(page, real_site, "jet=12&dock=plane")
    first = page.evaluate(f"{MADE}.tracks.order[1]")
    page.locator("#plane-body .plane-host").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    said = page.locator(".plane-said")
    eventually(page, lambda: said.inner_text().startswith(f"Track {first}"))
    page.keyboard.press("Enter")
    state(page, "track", first)


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
    assert page.locator("#network [data-edge]:not(.off)").count() == int(
        page.locator("#network").get_attribute("data-edges")
    )
    assert page.locator("#network-legend svg.picture").count() == 1
    assert page.title().startswith("Jet 12")
    # it is the scene: clicks isolate, the heat map beside it is linked, another jet takes its place
    x, y = page.evaluate(SPOT, page.evaluate(f"{MADE}.tracks.order[0]"))
    page.mouse.click(x, y)
    page.wait_for_function("window.jetlrp.view.state.track !== null")
    track = page.evaluate("window.jetlrp.view.state.track")
    page.wait_for_selector("#network .is-alone")
    still(page)
    page.evaluate("(track) => window.jetlrp.view.hover({ track })", track)
    eventually(page, lambda: page.locator("#network .plane-lights circle").count() == 1)
    page.locator('.ag-center-cols-container .ag-row[row-id="13"]').click()
    page.wait_for_selector('#network[data-drawn="13"]', timeout=60_000)
    eventually(page, lambda: page.locator("#network .tracks [data-track]").count() == 34)


def test_both_jets_stand_beside_each_other_without_webgl(toy_site, page_without_webgl):
    page = page_without_webgl
    asked = count_asked(page)
    page.goto(f"{toy_site.address}/?jet=5&pin=0~margin~gamma(1)")
    for pane in ("network", "network-b"):
        page.wait_for_selector(f"#{pane}[data-drawn] svg.plane", timeout=60_000)
    still(page)
    number = "(box) => +box.dataset.drawn"
    assert page.locator("#network").evaluate(number) == 5
    assert page.locator("#network-b").evaluate(number) == 0
    assert {"jets/5/" in url for url in asked} == {False, True}
    said = page.locator("#network-b .plane-host").get_attribute("aria-label")
    assert said.startswith("Pinned: Jet 0 in the plane of")
    # the pinned one tells its numbers, and a click there chooses nothing
    track = page.locator("#network-b [data-track='0'] .track").bounding_box()
    at = track["x"] + track["width"] / 2, track["y"] + track["height"] / 2
    page.mouse.move(*at)
    page.locator("#scene-tooltip", has_text="Track").wait_for()
    page.mouse.click(*at)
    assert page.evaluate("window.jetlrp.view.state.track") is None
    # one selection for both
    before = len(asked)
    page.evaluate("window.jetlrp.view.set({ edges: 3 })")
    for pane in ("network", "network-b"):
        eventually(
            page,
            lambda: page.locator(f"#{pane} [data-edge]:not(.off)").count() == 3,  # noqa: B023
        )
    assert len(asked) == before
