"""Talk mode, the folded list, small windows, and the states: waiting, away and back again."""

from __future__ import annotations

import numpy as np
import pytest

from tests.app.test_page import eventually, quiet, row, says, still, wait_for_jet

pytestmark = pytest.mark.browser

FONTS = (
    "() => { const s = document.getElementById('network').layout.scene;"
    " return [s.xaxis.title.font.size, s.xaxis.tickfont.size ** 2]; }"
)  # Plotly draws ticks as large as the square of what it is told


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720)])
def test_talk_mode_is_large_and_leaves_the_rest_away(toy_site, page, size):
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{toy_site.address}/?jet=5")
    wait_for_jet(page, 5)
    small = page.evaluate(FONTS)
    before = page.locator("#network").bounding_box()
    page.locator("#talk-switch").click()
    line = page.locator("#talk-line")
    line.wait_for()
    page.wait_for_function(f"({FONTS})()[0] > {1.2 * small[0]}")
    still(page)
    words = line.inner_text()
    for part in ("Jet 5", "H→bb̄", "96.8 %", "margin H→bb̄ − QCD", "LRP-γ(1)", "accounted for"):
        assert part in words
    assert min(np.divide(page.evaluate(FONTS), small)) > 1.2
    assert float(line.evaluate("(one) => parseFloat(getComputedStyle(one).fontSize)")) >= (
        28 if width == 1920 else 22
    )
    for chrome in (
        "header.bar",
        ".jets",
        "main .results",
        ".scene-controls",
        ".dock-strip",
        ".stage-foot",
    ):
        assert not page.locator(chrome).is_visible()
    after = page.locator("#network").bounding_box()
    assert after["width"] > 1.4 * before["width"]
    assert after["width"] * after["height"] > 1.4 * before["width"] * before["height"]
    says(page, talk="1")

    # the way out shows itself when the mouse moves
    way_out = page.locator("#talk-end")
    opacity = "(one) => Number(getComputedStyle(one).opacity)"
    eventually(page, lambda: way_out.evaluate(opacity) == 0)
    for aside in range(1, 200):  # it hides again where the mouse rests
        page.mouse.move(width / 2 + aside, height / 2)
        page.wait_for_timeout(100)
        if way_out.evaluate(opacity) == 1:
            break
    else:
        pytest.fail("the way out never shows itself")
    way_out.click()
    page.locator("header.bar").wait_for()
    page.wait_for_function(f"({FONTS})()[0] === {small[0]}")
    page.keyboard.press("m")
    line.wait_for()
    page.keyboard.press("Escape")
    page.locator("header.bar").wait_for()


def test_the_list_folds_away(toy_site, page):
    page.goto(f"{toy_site.address}/?jet=5")
    wait_for_jet(page, 5)
    before = page.locator("#network").bounding_box()["width"]
    page.locator("#list-fold").click()
    page.locator(".jets").wait_for(state="hidden")
    eventually(page, lambda: page.locator("#network").bounding_box()["width"] > before + 200)
    page.wait_for_function(  # the picture fills what it got
        "() => { const div = document.getElementById('network');"
        " return Math.abs(div._fullLayout.width - div.clientWidth) < 2; }"
    )
    page.locator("#list-fold[aria-pressed=false]").wait_for()
    says(page, list="0")
    page.reload()
    wait_for_jet(page, 5)
    assert not page.locator(".jets").is_visible()
    page.locator("#list-fold").click()
    row(page, 5).wait_for()


@pytest.mark.parametrize("width", [1280, 900])
def test_nothing_sticks_out_of_a_small_window(toy_site, page, width):
    page.set_viewport_size({"width": width, "height": 720})
    page.goto(f"{toy_site.address}/?jet=5&dock=compare&pin=0~margin~gamma(gamma=1,bias=account)")
    wait_for_jet(page, 5)
    page.wait_for_selector("#network-b[data-drawn]")
    page.wait_for_selector(".compare-table")
    still(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for panel in ("header.bar", ".jets", ".scene-panel", "main .results", "#dock-compare"):
        box = page.locator(panel).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    for button in page.locator(
        "header.bar button, header.bar summary, .compare-tools button"
    ).all():
        if button.is_visible():
            box = button.bounding_box()
            assert box["x"] + box["width"] <= width
    stage = page.locator("#network").bounding_box()
    assert stage["height"] > 120
    if width < 1000:  # one below the other
        assert page.locator("main .results").bounding_box()["y"] > stage["y"] + stage["height"]


def test_shapes_and_words_while_the_first_jet_is_computed(toy_site, page):
    page.goto(toy_site.address)
    row(page, 5).wait_for()
    toy_site.service.may_answer.clear()
    row(page, 5).click()
    busy = page.locator("#scene-busy")
    busy.get_by_text("Propagating relevance").wait_for()
    page.locator("#scene-empty").wait_for(state="hidden")
    shapes = "getComputedStyle(document.querySelector('.panes'), '::before').backgroundImage"
    assert "radial-gradient" in page.evaluate(shapes)
    panel = "getComputedStyle(document.getElementById('prediction')).backgroundImage"
    assert "linear-gradient" in page.evaluate(panel)
    page.wait_for_function(
        "/ ([2-9]|[0-9]{2,}) s$/.test(document.getElementById('scene-busy').innerText)"
    )
    toy_site.service.may_answer.set()
    wait_for_jet(page, 5)
    busy.wait_for(state="hidden")
    eventually(page, lambda: "radial-gradient" not in page.evaluate(shapes))
    eventually(page, lambda: "linear-gradient" not in page.evaluate(panel))


def test_a_service_that_was_away_is_noticed_without_a_click(toy_site, page):
    page.goto(toy_site.address)
    row(page, 5).wait_for()
    toy_site.service.away = True
    row(page, 5).click()
    page.locator(".stage > .state.error").get_by_text("The service is away").wait_for()
    toy_site.service.away = False
    wait_for_jet(page, 5)  # nobody pressed "Try again"
    page.locator(".stage > .state.error").wait_for(state="hidden")

    # an error that is not of that kind is not asked again
    row(page, 4).click()
    page.locator(".stage > .state.error").get_by_text("the jet has no tracks").wait_for()
    asked = quiet(page)
    page.wait_for_timeout(4500)
    assert asked == []

    # a page that was opened without a service opens by itself
    toy_site.service.away = True
    page.goto(toy_site.address)
    page.get_by_role("heading", name="The service is away").wait_for()
    toy_site.service.away = False
    row(page, 5).wait_for()
