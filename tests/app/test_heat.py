"""The heat map in a real browser: what it shows, adds up to, and is linked with."""

from __future__ import annotations

import pytest

from tests.app.test_page import eventually, still

pytestmark = pytest.mark.browser

# where a cell is in the window, and what it is of
CELL = """
async ([row, column]) => {
  const svg = document.querySelector("svg.heatmap");
  const { view, figure } = window.jetlrp;
  const { jet, question } = view.shown.a;
  const room = { width: svg.viewBox.baseVal.width, height: svg.viewBox.baseVal.height, font: 13 };
  const query = new URLSearchParams({ view: view.search(view.state, ["sort", "rows"]), ...room,
    target: question.target, rule: question.rule });
  const answer = await fetch(`${figure.base()}api/v1/jets/${jet.index}/pictures/heatmap?${query}`);
  const { data } = await answer.json();
  const at = (x, y) => new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());
  const middle = at(data.xs[column] + data.pitch / 2, data.top + (row + 0.5) * data.step);
  return { x: middle.x, y: middle.y, head: at(0, data.head + 4).y, track: data.tracks[row],
           feature: data.features[column], relevance: data.relevances[row][column] };
}
"""


def opened(page, site, query):
    page.goto(f"{site.address}/?{query}")
    page.wait_for_selector("#network[data-drawn]", timeout=60_000)
    page.wait_for_selector("#heat-body svg.heatmap")
    still(page)


def state(page, key, value):
    """Wait until the view has a value."""
    page.wait_for_function(
        "([key, value]) => window.jetlrp.view.state[key] === value", arg=[key, value]
    )


def test_a_cell_speaks_and_lights_the_track_everywhere(real_site, page):
    opened(page, real_site, "jet=12&dock=heat")
    cell = page.evaluate(CELL, [2, 4])
    page.mouse.move(cell["x"], cell["y"])
    hovered = {"track": cell["track"], "edge": None}
    eventually(page, lambda: page.evaluate("window.jetlrp.view.hovered") == hovered)
    page.locator("#heat-tooltip").wait_for()
    said = page.locator("#heat-tooltip").inner_text()
    assert f"Track {cell['track']}" in said
    assert cell["relevance"] in said
    assert "H→bb̄" in said
    assert page.locator(".row-light").count() == 1
    assert page.locator(".column-light").count() == 1
    page.mouse.move(5, 5)
    page.locator("#heat-tooltip").wait_for(state="hidden")
    eventually(page, lambda: page.locator(".heatmap .light").count() == 0)
    # the other way: the scene points at a track, the row is framed
    page.evaluate("(track) => window.jetlrp.view.hover({ track })", cell["track"])
    assert page.locator(".row-light").get_attribute("data-row") == "2"
    # and an edge frames the rows of its two tracks
    page.evaluate("window.jetlrp.view.hover({ edge: 0 })")
    assert page.locator(".row-light").count() == 2


def test_a_click_isolates_the_track_or_sorts_by_the_feature(real_site, page):
    opened(page, real_site, "jet=12&dock=heat")
    cell = page.evaluate(CELL, [1, 3])
    page.mouse.click(cell["x"], cell["y"])
    state(page, "track", cell["track"])
    page.wait_for_selector(".heatmap .alone")
    assert page.evaluate("document.activeElement.id") == "heat-body", "the keys go on from there"
    page.mouse.click(cell["x"], cell["y"])
    state(page, "track", None)
    page.wait_for_selector(".heatmap .alone", state="detached")
    still(page)
    page.mouse.click(cell["x"], cell["head"])
    page.wait_for_url(f"**sort={cell['feature']}**")
    page.wait_for_selector(".heatmap .feature.sorted")
    page.locator('#dock-heat [data-value="pt"]').click()
    page.wait_for_selector(".heatmap .feature.sorted", state="detached")
    state(page, "sort", "pt")


def test_all_tracks_or_the_top_rows(real_site, page):
    opened(page, real_site, "jet=289&dock=heat")
    assert "20 of 118 tracks" in page.locator("#heat-body").get_attribute("aria-label")
    page.locator('#dock-heat [data-value="all"]').click()
    page.wait_for_function(
        "document.querySelector('#heat-body').getAttribute('aria-label').includes('118 of 118')"
    )


def test_the_keys_read_the_cells_and_press_them(real_site, page):
    opened(page, real_site, "jet=12&dock=heat")
    page.locator("#heat-body").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    cell = page.evaluate(CELL, [1, 0])
    said = page.locator(".heat-said")
    eventually(page, lambda: said.inner_text().startswith(f"Track {cell['track']}"))
    assert "relevance" in said.inner_text()
    assert page.locator(".cell-light").count() == 1
    page.keyboard.press("Enter")
    state(page, "track", cell["track"])
    for _ in range(2):
        page.keyboard.press("ArrowUp")
    eventually(page, lambda: "rank" in said.inner_text())
    page.keyboard.press("Enter")
    state(page, "sort", cell["feature"])
    # the picture is another one, and the keys go on from where they were
    page.wait_for_selector(".heatmap .feature.sorted")
    page.keyboard.press("ArrowDown")
    eventually(page, lambda: said.inner_text().startswith("Track"))
    page.keyboard.press("Escape")
    eventually(page, lambda: page.locator(".heatmap .light").count() == 0)


def test_the_list_of_features_lights_and_sorts_columns(real_site, page):
    opened(page, real_site, "jet=12&dock=heat")
    row = page.locator("#features [data-feature]").first
    feature = row.get_attribute("data-feature")
    row.hover()
    page.locator(".column-light").wait_for(state="attached")
    place = int(page.locator(".column-light").get_attribute("data-column"))
    assert page.evaluate(CELL, [0, place])["feature"] == feature
    row.click()
    state(page, "sort", feature)
    # where the heat map is closed, it opens
    page.locator('[data-dock="heat"]').click()
    page.locator("#dock-heat").wait_for(state="hidden")
    page.locator("#features [data-feature]").nth(1).click()
    page.locator("#dock-heat").wait_for(state="visible")


def test_how_to_read_it_stays_within_a_narrow_panel(toy_site, page):
    opened(page, toy_site, "jet=5&dock=heat.river")
    for name in ("river", "heat"):
        page.locator(f"#dock-{name} .how summary").click()
        text = page.locator(f"#dock-{name} .how > div")
        panel, words = page.locator(f"#dock-{name}").bounding_box(), text.bounding_box()
        for at, size in (("x", "width"), ("y", "height")):
            assert panel[at] <= words[at]
            assert words[at] + words[size] <= panel[at] + panel[size]
        assert text.evaluate("(box) => box.scrollWidth <= box.clientWidth")
        page.locator(f"#dock-{name} .how summary").click()  # which it does not cover
        text.wait_for(state="hidden")
