"""The page from 360 to 3,840 pixels and at 150 and 200 %: nothing overlaps, nothing is cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.test_page import still, wait_for_jet

pytestmark = pytest.mark.browser

BOXES = (Path(__file__).parent / "boxes.js").read_text()
PIN = "&pin=0~margin~gamma(gamma%3D1%2Cbias%3Daccount)"
BY_STAGE = "&rule=composite(edge_mlp.0:flat,default:gamma)"
SIZES = (  # width, height, pixels of the screen for each, what is open
    (360, 780, 3, "&dock=river&track=3&edge=40" + BY_STAGE),
    (390, 844, 3, "&dock=compare" + PIN),
    (640, 360, 2, "&dock=." + BY_STAGE),  # 1280 x 720 at 200 %
    (720, 450, 2, "&dock=heat"),  # 1440 x 900 at 200 %
    (768, 1024, 1, "&dock=river.compare" + PIN),
    (853, 480, 1.5, "&dock=."),  # 1280 x 720 at 150 %
    (960, 600, 1.5, "&dock=compare.heat" + PIN),  # 1440 x 900 at 150 %
    (1000, 700, 1, "&dock=plane&track=3"),
    (1024, 768, 1, "&dock=."),
    (1181, 700, 1, "&dock=river" + BY_STAGE),
    (1280, 720, 1, "&dock=compare" + PIN),
    (1440, 900, 1, "&dock=river.heat.plane"),
    (1920, 1080, 1, "&dock=river&edge=40"),
    (3840, 2160, 1, "&dock=river.compare" + PIN),
)


@pytest.mark.parametrize(("width", "height", "scale", "opened"), SIZES)
def test_nothing_overlaps_and_nothing_is_cut_off(toy_site, browser, width, height, scale, opened):
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        reduced_motion="reduce",
    )
    try:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{toy_site.address}/?jet=1{opened}")
        wait_for_jet(page, 1)
        if "pin=" in opened:
            page.wait_for_selector("#network-b[data-drawn]", state="attached")
        still(page)
        page.locator("#jets-limits-button").click()
        assert page.evaluate(BOXES) == []
        page.locator("#look-button").click()
        assert page.evaluate(BOXES) == []
        page.keyboard.press("Escape")
        page.locator("#save summary").click()
        assert page.evaluate(BOXES) == []
        page.locator("#save summary").click()
        page.locator("#help").click()
        page.locator("#keys[open]").wait_for()
        assert page.evaluate(BOXES) == []
        page.keyboard.press("Escape")
        page.locator(".question .how summary").scroll_into_view_if_needed()  # all is in reach
        page.locator(".question .how summary").click()
        assert page.evaluate(BOXES) == []
    finally:
        context.close()


def test_the_boxes_tell_what_overlaps(toy_site, page):
    page.goto(f"{toy_site.address}/?jet=1&dock=.")
    wait_for_jet(page, 1)
    assert page.evaluate(BOXES) == []
    for change, says in (
        ("document.querySelector('.centre').style.width = '1500px'", "wide"),
        ("document.querySelector('.dock-strip button').style.marginRight = '-40px'", "over"),
        ("document.querySelector('.stage .legend').style.right = '300px'", "the legend over"),
        ("document.querySelector('.stage').style.height = '120px'", "high"),
    ):
        page.evaluate(
            f"() => {{ {change}; document.querySelector('.stage').style.minHeight = 0; }}"
        )
        assert any(says in one for one in page.evaluate(BOXES)), says
