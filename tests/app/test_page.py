"""The page in a real browser: on the real jets with `jetlrp serve`, and on a stand-in service."""

from __future__ import annotations

import base64
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
import pytest

from lrp_core.figures.numbers import significant

pytestmark = pytest.mark.browser

DRAWN = """
() => {
  const div = document.getElementById("network");
  const state = window.jetlrp.scene.stateOf("network");
  const edges = div.data.filter((t) => t.meta && t.meta.kind === "edges" && t.visible);
  const { list, k } = window.jetlrp.scene.selected(state.made, window.jetlrp.view.state);
  return {
    bunches: edges.map((t) => ({
      count: t.meta.edges.length, width: t.line.width,
      gaps: Array.from(t.x).filter((v) => isNaN(v)).length,
    })),
    order: Array.from(list).slice(0, k).map((place) => state.made.edges.number[place]),
    tracks: div.data.find((t) => t.name === "tracks").x.length,
    outline: div.data.find((t) => t.name === "tracks").marker.line.color,
  };
}
"""
CAMERA = """
() => {
  const camera = window.jetlrp.scene.liveCamera(document.getElementById("network"));
  return ["eye", "center", "up"].flatMap((k) => ["x", "y", "z"].map((c) => camera[k][c]));
}
"""


# Nothing is under way: each picture is drawn, fills its place, and its camera stands.
STILL = """
() => document.fonts.status === "loaded" && Object.keys(window.jetlrp.scene.SLOTS).every((id) => {
  const { camera, scene, view } = window.jetlrp;
  const div = document.getElementById(id), state = scene.stateOf(id);
  if (!div || !div.clientWidth || !view.shown[state.slot]) return true;
  const moves = (state.moving || camera.moving) && !view.state.rotate;
  return !state.drawing && !state.fitting && !state.stop && !moves &&
    (!state.fitted || state.fitted === `${div.clientWidth} ${div.clientHeight}`);
})
"""
TURNED = """
(before) => {
  const { camera, view } = window.jetlrp;
  const live = camera.live(document.getElementById("network"));
  const apart = (one, other) => Math.max(...["eye", "center", "up"].flatMap((part) =>
    ["x", "y", "z"].map((side) => Math.abs(one[part][side] - other[part][side]))));
  return view.state.camera && apart(view.state.camera, live) < 1e-3 && apart(live, before) > 0.02;
}
"""

# Where on the screen a track is seen.
TRACK_SPOT = """
([id, track]) => {
  const { pick, scene } = window.jetlrp;
  const div = document.getElementById(id);
  const [x, y] = pick.spot(div, scene.stateOf(id), track);
  const { left, top } = div.getBoundingClientRect();
  return [left + x, top + y];
}
"""
# Where the edge at a place of those drawn is seen, beside what lies over it, and its number.
EDGE_SPOT = """
(place) => {
  const { highlight, pick, scene, view } = window.jetlrp;
  const div = document.getElementById("network");
  const state = scene.stateOf("network");
  const { made } = state;
  const at = scene.selected(made, view.state).list[place];
  const edge = made.edges.number[at];
  const { left, top } = div.getBoundingClientRect();
  const points = highlight.project(div, scene.pointsOf(made, at));
  const seen = ([x, y]) => (pick.find(div, state, x, y) || {}).edge === edge &&
    document.elementFromPoint(left + x, top + y)?.tagName === "CANVAS";
  const [x, y] = points.find(seen);
  return [left + x, top + y, edge];
}
"""


def wait_for_jet(page, index, edges=None):
    """Wait until a jet is drawn, and the page does nothing more by itself."""
    with_edges = f'[data-edges="{edges}"]' if edges is not None else ""
    page.wait_for_selector(f'#network[data-drawn="{index}"]{with_edges}', timeout=60_000)
    still(page)


def still(page):
    """Wait until the pictures are drawn, in the type and the size that they keep."""
    page.wait_for_function(STILL)
    settled(page)
    page.wait_for_function(STILL)


def row(page, index):
    return page.locator(f'.ag-center-cols-container .ag-row[row-id="{index}"]')


def turn(page):
    """Drag the scene a little, as a hand does; -> when the view has the camera."""
    before = page.evaluate("window.jetlrp.camera.live(document.getElementById('network'))")
    box = page.locator("#network").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.9
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(x + 12 * step, y - 6 * step)
        page.wait_for_timeout(50)
    page.mouse.up()
    page.wait_for_function(TURNED, arg=before)
    still(page)


def click(page, x, y, hold=60):
    """Click as a hand does: go there, press, hold for so many ms, let go."""
    page.mouse.move(x, y)
    page.mouse.down()
    if hold:
        page.wait_for_timeout(hold)
    page.mouse.up()


def click_track(page, track, hold=60):
    click(page, *page.evaluate(TRACK_SPOT, ["network", track]), hold)


def click_edge(page, place, hold=60):
    """Click on the edge at a place of those that are drawn -> its number."""
    x, y, edge = page.evaluate(EDGE_SPOT, place)
    click(page, x, y, hold)
    return edge


def point_at_track(page, track, plot="network"):
    page.mouse.move(*page.evaluate(TRACK_SPOT, [plot, track]))


def press_slider(page, key, times=1):
    page.locator("#edges-slider").focus()
    for _ in range(times):
        page.keyboard.press(key)


def choose(page, key, value):
    """Give ``key`` of the view a value, by its button or list; rarer ones are in a popover."""
    button = f'button[data-view="{key}"][data-value="{value}"]'
    control = page.locator(f'{button}, select[data-view="{key}"]').first
    if not control.is_visible():
        page.locator("#look-button").click()
    if control.evaluate("(one) => one.tagName") == "SELECT":
        control.select_option(value)
    else:
        control.click()
        page.wait_for_selector(f'{button}[aria-pressed="true"]', state="attached")


def question(page):
    """What the address says now."""
    return query(urlsplit(page.url).query)


def query(text):
    return {name: values[0] for name, values in parse_qs(text).items()}


def says(page, **wanted):
    """Wait until the address says so; None: it does not speak of that."""
    eventually(page, lambda: {key: question(page).get(key) for key in wanted} == wanted)


def written(page):
    """Wait until the address repeats the view -> what it says."""
    page.wait_for_function("window.location.search === window.jetlrp.view.search()")
    return query(page.evaluate("window.location.search.slice(1)"))


def quiet(page, seconds=2.5):
    """Wait until the page has stopped asking the server by itself."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for _ in range(40):
        asked.clear()
        page.wait_for_timeout(seconds * 1000)
        if not asked:
            return asked
    pytest.fail(f"the page never stops asking: {asked[-3:]}")


def eventually(page, true, seconds=60):
    """Wait until something is true, however busy the machine is."""
    for _ in range(10 * seconds):
        if true():
            return
        page.wait_for_timeout(100)
    assert true()


def settled(page):
    """Wait until the type has come and what is measured with it has been drawn."""
    page.evaluate(
        "async () => { const frame = () => new Promise(requestAnimationFrame);"
        " await frame(); await frame(); await document.fonts.ready; await frame(); await frame(); }"
    )


def asked_last(site):
    """What the last explanation of jet 5 was asked for."""
    posts = [one for one in site.service.requests if one[:2] == ("POST", "/jets/5/explanation")]
    return posts[-1][2]


def drawn_edges(drawn):
    return sum(bunch["count"] for bunch in drawn["bunches"])


def test_from_a_click_to_the_drawn_edges_on_real_jets(real_site, page):
    page.goto(real_site.address)
    row(page, 12).click()
    wait_for_jet(page, 12)

    # what is drawn is what the service says: the strongest edges, wider where more significant
    answer = httpx.post(
        f"{real_site.address}/api/v1/jets/12/explanation",
        json={"target": "margin", "encoding": "base64"},
        timeout=60,
    ).json()
    packed = answer["edge_significance"]
    significance = np.frombuffer(base64.b64decode(packed["data"]), packed["dtype"])
    drawn = page.evaluate(DRAWN)
    k = -(-len(significance) // 5)
    assert drawn["tracks"] == answer["n_tracks"] == 16
    assert drawn_edges(drawn) == k == len(drawn["order"])
    assert drawn["order"] == np.argsort(-significance, kind="stable")[:k].tolist()
    assert all(bunch["gaps"] == bunch["count"] for bunch in drawn["bunches"])
    widths = [bunch["width"] for bunch in drawn["bunches"]]
    assert widths == sorted(set(widths))  # the strongest lie over the others
    assert len(widths) > 2
    ticks = page.locator("#network-legend text")
    assert ticks.filter(has_text=re.compile(f"^{significant(significance.max(), 2)}$")).count() == 1
    assert ticks.filter(has_text=re.compile(r"^0$")).count() >= 1

    # the account, in words
    account = page.locator("#conservation")
    page.locator("#ledger tbody tr").first.wait_for(state="attached")
    assert re.search(r"Accounted for to \d\.\d\s×\s10⁻", account.inner_text())
    assert f"{answer['value']:.3f}" in account.inner_text()
    assert page.locator("#ledger tbody tr").count() == 11
    assert "H→bb̄" in page.locator("#prediction").inner_text()

    # the camera stays where it was turned to, and the arrow key opens the next jet
    before = page.evaluate(CAMERA)
    turn(page)
    turned = page.evaluate(CAMERA)
    assert np.abs(np.subtract(turned, before)).max() > 0.05
    row(page, 12).click()
    page.keyboard.press("ArrowDown")
    wait_for_jet(page, 13)
    np.testing.assert_allclose(page.evaluate(CAMERA), turned, atol=2e-3)
    asked = written(page)
    assert asked["jet"] == "13"
    np.testing.assert_allclose(np.fromstring(asked["camera"], sep=","), turned, atol=2e-3)
    assert asked["target"] == "margin"
    assert asked["rule"] == "gamma(gamma=1,bias=account)"

    # the slider changes the number of edges and asks nobody
    asked = quiet(page)
    shown = drawn_edges(page.evaluate(DRAWN))
    press_slider(page, "ArrowLeft", 20)
    page.wait_for_function(f"+document.getElementById('network').dataset.edges < {shown}")
    still(page)
    fewer = drawn_edges(page.evaluate(DRAWN))
    assert 0 < fewer < shown
    assert page.locator("#edges-words strong").inner_text().startswith(f"{fewer} of ")
    press_slider(page, "End")
    page.wait_for_function(f"+document.getElementById('network').dataset.edges > {shown}")
    still(page)
    assert asked == []
    np.testing.assert_allclose(page.evaluate(CAMERA), turned, atol=2e-3)

    # light and dark, remembered, camera kept
    page.locator("#theme-switch").click()
    page.wait_for_function(
        "document.getElementById('network').data.find((t) => t.name === 'tracks')"
        ".marker.line.color[0] === '#45526b'"
    )
    still(page)
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    np.testing.assert_allclose(page.evaluate(CAMERA), turned, atol=2e-3)

    # the address opens the same view again
    assert written(page)["theme"] == "light"
    edges = page.evaluate("+document.getElementById('network').dataset.edges")
    page.reload()
    wait_for_jet(page, 13, edges)
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    np.testing.assert_allclose(page.evaluate(CAMERA), turned, atol=2e-3)

    # and without one, the theme is remembered
    page.goto(real_site.address)
    row(page, 12).wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"

    # a jet that is not there, in words
    page.goto(f"{real_site.address}/?jet=99999")
    error = page.locator(".stage > .state.error")
    error.wait_for()
    error.get_by_text("There is no jet 99999").wait_for()
    error.get_by_text(re.compile(r"Request \w+")).wait_for()


def test_the_largest_real_jet_is_drawn(real_site, page):
    page.goto(f"{real_site.address}/?jet=289")
    wait_for_jet(page, 289, edges=150)
    assert page.evaluate(DRAWN)["tracks"] == 118
    assert "150 of 13 806" in page.locator("#edges-words").inner_text()
    page.locator('.ag-center-cols-container .ag-row-selected[row-id="289"]').wait_for()


def test_another_rule_and_target_are_explained(toy_site, page):
    page.goto(f"{toy_site.address}/?jet=5")
    wait_for_jet(page, 5)
    marked = page.locator(".chip.active")
    eventually(page, lambda: marked.all_inner_texts() == ["default"])
    page.get_by_role("button", name="hin-lrp").click()
    eventually(page, lambda: marked.all_inner_texts() == ["hin-lrp"])
    page.wait_for_function("!document.querySelector('.state.busy.on')")
    page.get_by_text("LRP-0 with ε added").wait_for()
    eventually(page, lambda: asked_last(toy_site)["target"] == "hbb")
    body = asked_last(toy_site)
    assert body["rule"] == {
        "name": "epsilon",
        "epsilon": 1e-9,
        "relative": False,
        "bias": "account",
    }
    page.locator('.equation[aria-label*="logit of H→bb̄"]').wait_for()
    page.locator(".parameters:not(.hidden)").get_by_text("spread", exact=True).click()
    eventually(page, lambda: asked_last(toy_site)["rule"]["bias"] == "spread")
    eventually(page, lambda: marked.count() == 0)


def test_sorting_filtering_and_bad_jets(toy_site, page):
    page.goto(toy_site.address)
    row(page, 0).wait_for()
    page.locator(".state.empty", has_text="Choose a jet").wait_for()
    page.locator('.ag-center-cols-container .ag-row.bad-jet[row-id="4"]').wait_for()
    says_why = page.locator(".ag-tooltip").filter(has_text="the jet has no tracks")

    def told():
        """The grid may put its rows there anew, as when scores come; then one points again."""
        page.mouse.move(5, 5)
        row(page, 4).hover()
        page.wait_for_timeout(500)
        return says_why.is_visible()

    eventually(page, told)

    page.locator(".ag-header-cell", has_text="Tracks").click()
    page.wait_for_function(
        "document.querySelector('.ag-row[row-index=\"0\"]')?.getAttribute('row-id') === '1'"
    )
    listed = [body for _, path, body in toy_site.service.requests if path == "/jets"]
    assert listed[-1]["sort"] == "-n_tracks"
    choose(page, "label", "qcd")
    page.wait_for_function("document.getElementById('jets-count').textContent === '2 of 6'")
    choose(page, "label", "")
    page.wait_for_function("document.getElementById('jets-count').textContent === '6 jets'")

    row(page, 4).click()
    error = page.locator(".stage > .state.error")
    error.get_by_text("the jet has no tracks").wait_for()
    error.get_by_text("req-7f3a").wait_for()
    row(page, 2).click()  # one track, no edges
    wait_for_jet(page, 2, edges=0)
    page.locator("#edges-words", has_text="no edges").wait_for()
    row(page, 3).click()
    wait_for_jet(page, 3, edges=1)


def test_size_height_and_hover(toy_site, page):
    page.goto(f"{toy_site.address}/?jet=3")
    wait_for_jet(page, 3)
    sizes = "Array.from(document.getElementById('network').data.at(-1).marker.size)"
    heights = "Array.from(document.getElementById('network').data.at(-1).z)"
    by_pt, logarithms = page.evaluate(sizes), page.evaluate(heights)
    choose(page, "size", "relevance")
    choose(page, "z", "track_pt")
    page.wait_for_function(f"{heights}[0] !== {logarithms[0]}")
    page.wait_for_function(f"{sizes}[0] !== {by_pt[0]}")
    still(page)
    np.testing.assert_allclose(page.evaluate(heights), 10 ** np.array(logarithms), rtol=1e-5)
    page.locator("#network-legend", has_text="|relevance|").wait_for()

    # dragging the slider leaves the faint rest out until it is let go
    page.goto(f"{toy_site.address}/?jet=5")
    wait_for_jet(page, 5)
    rest = "document.getElementById('network').data.find((t) => t.name === 'rest').visible"
    page.wait_for_function(rest)
    still(page)
    slider = page.locator("#edges-slider").bounding_box()
    at = page.locator("#edges-slider").evaluate("(slider) => slider.value / slider.max")
    x, y = slider["x"] + 8 + at * (slider["width"] - 16), slider["y"] + slider["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y, steps=4)
    page.wait_for_function(f"!{rest}")
    page.wait_for_function("+document.getElementById('network').dataset.edges < 9")
    assert page.evaluate("+document.getElementById('network').dataset.edges") > 0
    page.mouse.up()
    page.wait_for_function(rest)
    still(page)

    # what is under the mouse is said in words
    still(page)
    point_at_track(page, 1)
    tooltip = page.locator("#scene-tooltip")
    tooltip.wait_for()
    assert "Track 1" in tooltip.text_content()
    assert "GeV" in tooltip.text_content()


def test_tracks_coloured_by_their_origin(toy_site, page):
    tracks = "document.getElementById('network').data.at(-1).marker"
    page.goto(f"{toy_site.address}/?jet=5")
    wait_for_jet(page, 5)
    truth = page.locator(".panel.truth", has_text="Truth of the simulation")
    truth.get_by_text("61.2 %").wait_for()
    row(page, 0).wait_for()  # the list asks by itself, whenever it is ready
    asked = len(toy_site.service.requests)
    choose(page, "color", "origin")
    page.wait_for_function(f"{tracks}.symbol.includes('diamond')")
    page.locator("#network-legend", has_text="Track origin").wait_for()
    still(page)
    legend = page.locator("#network-legend").text_content()
    assert re.search(r"b-hadron decay\s*2", legend)
    assert "Track relevance" not in legend
    paths = {path.split("/")[-1] for _, path, _ in toy_site.service.requests[asked:]}
    assert paths <= {"network", "legend", "health"}  # pictures, and no explanation

    page.keyboard.press("Escape")  # the look of the plot no longer lies over it
    page.locator("#look").wait_for(state="hidden")
    point_at_track(page, 2)
    tooltip = page.locator("#scene-tooltip")
    tooltip.get_by_text("V0, from b-hadron 1").wait_for()
    name = page.evaluate("""() => {
      const { highlight } = window.jetlrp;
      const div = document.getElementById("network");
      const { x, y, z } = div.data.find((t) => t.name === "name of b-hadron 1");
      const [[left, top]] = highlight.project(div, [[x[0], y[0], z[0]]]);
      const box = div.getBoundingClientRect();
      return [box.left + left, box.top + top];
    }""")
    page.mouse.move(*name)
    tooltip.get_by_text("231 GeV").wait_for()

    # a jet without truth is coloured by relevance, and the choice waits for the next with one
    row(page, 0).click()
    wait_for_jet(page, 0)
    assert not page.locator('button[data-value="origin"]').is_visible()
    page.locator(".panel.truth").wait_for(state="detached")
    page.locator("#network-legend", has_text="Track relevance").wait_for()
    row(page, 5).click()
    wait_for_jet(page, 5)
    page.locator("#network-legend", has_text="Track origin").wait_for()


def test_a_click_opens_a_jet_at_once_and_the_keys_leaf(toy_site, page):
    page.add_init_script(  # the pause is longer, so that both keys come within it
        "window.pauses = 0; const later = window.setTimeout;"
        "window.setTimeout = (run, ms, ...more) => {"
        "  if (ms === 140) window.pauses += 1;"
        "  return later(run, ms === 140 ? 5000 : ms, ...more); };"
    )
    page.goto(toy_site.address)
    row(page, 5).click()
    wait_for_jet(page, 5)
    assert page.evaluate("window.pauses") == 0
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    wait_for_jet(page, 3)
    assert page.evaluate("window.pauses") == 2
    asked = [path for method, path, _ in toy_site.service.requests if method == "POST"]
    assert asked == ["/jets/5/explanation", "/jets/3/explanation"]  # not the one passed by


def test_while_the_service_is_starting_the_page_says_so(toy_site, page):
    toy_site.service.may_answer.clear()
    page.goto(toy_site.address, wait_until="commit")
    waiting = page.get_by_text("Waiting for the jets and the network")
    waiting.wait_for()
    page.wait_for_selector("._dash-loading", state="attached")
    assert not page.locator("._dash-loading").first.is_visible()
    toy_site.service.may_answer.set()
    row(page, 0).wait_for()
    waiting.wait_for(state="hidden")


def test_a_service_that_goes_away_and_comes_back(toy_site, page):
    page.goto(toy_site.address)
    row(page, 0).wait_for()
    toy_site.service.away = True
    row(page, 0).click()
    page.get_by_role("heading", name="The service is away").wait_for()
    # The page asks every two seconds; it is told nothing, so that the button is what tries again.
    page.route("**/alive", lambda route: route.fulfill(json={"away": True}))
    toy_site.service.away = False
    page.get_by_role("button", name="Try again").click()
    wait_for_jet(page, 0)
    page.unroute("**/alive")

    toy_site.service.away = True
    choose(page, "label", "qcd")
    page.locator("#jets-notice").get_by_text("does not answer").wait_for()
    toy_site.service.away = False
    row(page, 1).wait_for()  # the list comes back by itself
    page.locator("#jets-count", has_text="2 of 6").wait_for()


def test_a_page_opened_without_a_service(toy_site, page):
    toy_site.service.away = True
    page.goto(toy_site.address)
    page.get_by_role("heading", name="The service is away").wait_for()
    toy_site.service.away = False
    page.get_by_role("link", name="Try again").click()
    row(page, 0).wait_for()
