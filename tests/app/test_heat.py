"""The heat map in a real browser: what it shows, adds up to, and is linked with."""

from __future__ import annotations

import httpx
import numpy as np
import pytest

from tests.app.test_page import eventually, still

pytestmark = pytest.mark.browser

ARRANGED = """
(change) => {
  const { heat, view } = window.jetlrp;
  const says = heat.arrange(view.shown.a, { ...view.state, ...change });
  return { tracks: says.rows.map(({ track }) => track), columns: says.columns.map((c) => c.name),
           groups: says.groups.map((g) => [g.name, g.to - g.from + 1]), net: says.net,
           strengths: says.columns.map((c) => c.strength), shown: says.shown, most: says.most };
}
"""
CELL = """
([row, column]) => {
  const { heat, view } = window.jetlrp;
  const box = document.querySelector(".heat").getBoundingClientRect();
  const says = heat.arrange(view.shown.a, view.state);
  const at = heat.place(says, box.width, box.height, window.jetlrp.colours.now().font);
  return { x: box.left + at.xs[column] + at.pitch / 2, head: box.top + at.head + 4,
           y: box.top + at.top + (row + 0.5) * at.step, track: says.rows[row].track,
           feature: says.columns[column].name };
}
"""


def opened(page, site, query):
    page.goto(f"{site.address}/?{query}")
    page.wait_for_selector("#network[data-drawn]", timeout=60_000)
    page.wait_for_selector("#heat-body[data-drawn]")
    still(page)


def state(page, key, value):
    """Wait until the view has a value."""
    page.wait_for_function(
        "([key, value]) => window.jetlrp.view.state[key] === value", arg=[key, value]
    )


@pytest.fixture
def answer(real_site):
    """The service's own table of jet 12: (features, relevance [n_tracks, n_features], totals)."""
    got = httpx.post(
        f"{real_site.address}/api/v1/jets/12/explanation", json={"target": "margin"}, timeout=60
    ).json()
    return got["features"], np.array(got["feature_relevance"]), got["totals"]


def test_rows_and_columns_are_the_service_s_in_order(real_site, page, answer):
    names, table, totals = answer
    opened(page, real_site, "jet=12&dock=heat")
    says = page.evaluate(ARRANGED, {})
    # every feature once, though some came twice as columns, in whole groups
    assert sorted(says["columns"]) == sorted(set(names))
    assert sum(count for _, count in says["groups"]) == len(names)
    assert len({group for group, _ in says["groups"]}) == len(says["groups"])
    strength = dict(zip(names, np.abs(table).sum(axis=0), strict=True))
    at = 0
    for _, count in says["groups"]:
        inside = [strength[name] for name in says["columns"][at : at + count]]
        assert inside == sorted(inside, reverse=True)
        at += count
    # rows by |relevance|, by pT, by a feature
    by_relevance = np.argsort(-np.abs(table.sum(axis=1)), kind="stable")
    assert says["tracks"] == by_relevance.tolist()
    feature = names.index("trackBTag_Sip3dSig")
    by_feature = page.evaluate(ARRANGED, {"sort": "trackBTag_Sip3dSig"})["tracks"]
    assert by_feature == np.argsort(-np.abs(table[:, feature]), kind="stable").tolist()
    pt = page.evaluate("window.jetlrp.view.shown.a.tracks.pt")
    by_pt = page.evaluate(ARRANGED, {"sort": "pt"})["tracks"]
    assert by_pt == np.argsort(-np.array(pt), kind="stable").tolist()
    # and all of it adds up to the account
    assert says["net"] == pytest.approx(totals["tracks"], rel=1e-5)
    assert says["most"] == pytest.approx(np.abs(table).max(), rel=1e-6)
    assert "≠" not in page.locator("#heat-body .total").text_content()


def test_zero_is_the_panel_and_signs_have_their_colours(real_site, page):
    opened(page, real_site, "jet=12&dock=heat")
    colours = page.evaluate(
        """() => { const theme = window.jetlrp.colours.now();
        const of = window.jetlrp.heat.colouring(theme, 2);
        return [of(0), of(2), of(-2), theme].map((c) => c); }"""
    )

    def rgb(text):
        return f"rgb({','.join(str(int(text[at : at + 2], 16)) for at in (1, 3, 5))})"

    zero, positive, negative, theme = colours
    assert zero == rgb(theme["panel"])
    assert positive == rgb(theme["diverging"][-1])
    assert negative == rgb(theme["diverging"][0])


def test_a_cell_speaks_and_lights_the_track_everywhere(real_site, page, answer):
    names, table, _ = answer
    opened(page, real_site, "jet=12&dock=heat")
    cell = page.evaluate(CELL, [2, 4])
    page.mouse.move(cell["x"], cell["y"])
    hovered = {"track": cell["track"], "edge": None}
    eventually(page, lambda: page.evaluate("window.jetlrp.view.hovered") == hovered)
    page.locator("#scene-tooltip").wait_for()
    said = page.locator("#scene-tooltip").inner_text()
    value = table[cell["track"], names.index(cell["feature"])]
    words = page.evaluate("(v) => window.jetlrp.numbers.signed(v)", value)
    assert f"Track {cell['track']}" in said
    assert words in said
    assert "H→bb̄" in said
    assert page.locator(".row-light").count() == 1
    assert page.locator(".column-light").count() == 1
    page.mouse.move(5, 5)
    page.locator("#scene-tooltip").wait_for(state="hidden")
    eventually(page, lambda: page.locator(".heat .light").count() == 0)
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
    page.wait_for_selector(".heat .alone")
    page.mouse.click(cell["x"], cell["y"])
    state(page, "track", None)
    page.wait_for_selector(".heat .alone", state="detached")
    still(page)
    page.mouse.click(cell["x"], cell["head"])
    page.wait_for_url(f"**sort={cell['feature']}**")
    page.wait_for_selector(".heat .name.sorted")
    page.locator('#dock-heat [data-value="pt"]').click()
    page.wait_for_selector(".heat .name.sorted", state="detached")
    state(page, "sort", "pt")


def test_all_tracks_or_the_top_rows(real_site, page):
    opened(page, real_site, "jet=289&dock=heat")
    assert "20 of 118 tracks" in page.locator(".heat").get_attribute("aria-label")
    page.locator('#dock-heat [data-value="all"]').click()
    page.wait_for_function(
        "document.querySelector('.heat').getAttribute('aria-label').includes('118 of 118')"
    )
    assert len(page.evaluate(ARRANGED, {})["tracks"]) == 118


def test_the_keys_read_the_cells_and_press_them(real_site, page):
    opened(page, real_site, "jet=12&dock=heat")
    page.locator(".heat").focus()
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


def test_the_list_of_features_lights_and_sorts_columns(real_site, page):
    opened(page, real_site, "jet=12&dock=heat")
    row = page.locator("#features [data-feature]").first
    feature = row.get_attribute("data-feature")
    row.hover()
    place = page.evaluate(ARRANGED, {})["columns"].index(feature)
    page.locator(f'.column-light[data-column="{place}"]').wait_for(state="attached")
    row.click()
    state(page, "sort", feature)
    # where the heat map is closed, it opens
    page.locator('[data-dock="heat"]').click()
    page.locator("#dock-heat").wait_for(state="hidden")
    page.locator("#features [data-feature]").nth(1).click()
    page.locator("#dock-heat").wait_for(state="visible")


@pytest.mark.parametrize("index", [2, 5])
def test_jets_of_one_track_or_with_truth_are_drawn(toy_site, page, index):
    opened(page, toy_site, f"jet={index}&full=heat")
    assert page.locator("#heat-body").get_attribute("data-drawn") == str(index)
    assert "NaN" not in page.locator(".heat svg").inner_html()


def test_what_is_no_number_is_no_zero(toy_site, page):
    opened(page, toy_site, "jet=5&dock=heat")
    said = page.evaluate(
        """() => { const { heat, view } = window.jetlrp; const jet = view.shown.a;
        const values = Float32Array.from(jet.featureRelevance.values); values[0] = NaN;
        const broken = { ...jet, featureRelevance: { ...jet.featureRelevance, values } };
        const says = heat.arrange(broken, { ...view.state, rows: "all" });
        const row = says.rows.findIndex(({ track }) => track === 0);
        const column = says.columns.findIndex(({ at }) => at === 0);
        return { lines: heat.cellWords(broken, says, row, column).lines,
                 adds: heat.addsUp(broken, says), net: says.columns[column].net }; }"""
    )
    assert dict(said["lines"])["relevance"] == "–"
    assert said["adds"] is False
    assert said["net"] is None or np.isnan(said["net"])


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
