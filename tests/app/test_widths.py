"""The page from 360 to 3,840 pixels and at 150 and 200 %: nothing overlaps, nothing is cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.test_page import still, wait_for_jet

pytestmark = pytest.mark.browser

BOXES = (Path(__file__).parent / "boxes.js").read_text()
PIN = "&pin=5~margin~gamma(gamma%3D1%2Cbias%3Daccount)"
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
    (3840, 2160, 1, "&dock=river"),
)


def wrong(page):
    """What overlaps, is cut off or too low now, a line each."""
    return "\n".join(page.evaluate(BOXES))


@pytest.mark.parametrize(("width", "height", "scale", "opened"), SIZES)
def test_nothing_overlaps_and_nothing_is_cut_off(toy_site, browser, width, height, scale, opened):
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        reduced_motion="reduce",
    )
    try:
        page = context.new_page()
        page.set_default_timeout(300_000)  # a large picture takes its time in software
        jet = 1 if width in (360, 1024) else 0  # of 118 tracks, whose numbers are long, or of 26
        page.goto(f"{toy_site.address}/?jet={jet}{opened}")
        page.wait_for_selector(f'#network[data-drawn="{jet}"]')
        still(page)
        if "pin=" in opened:
            page.wait_for_selector("#network-b[data-drawn]", state="attached")
            still(page)
        page.locator("#jets-limits-button").click()
        assert wrong(page) == ""
        page.locator(".question .how summary").click()  # all is in reach
        assert wrong(page) == ""
        page.locator(".question .how summary").click()
        if width > 700:
            return
        for opener in ("#look-button", "#save summary", "#help"):  # forms and dialogs
            page.locator(opener).click()
            assert wrong(page) == ""
            page.keyboard.press("Escape")
            if opener == "#save summary":
                page.locator(opener).click()
    finally:
        context.close()


def test_the_boxes_tell_what_overlaps(toy_site, page):
    page.goto(f"{toy_site.address}/?jet=5&dock=.")
    wait_for_jet(page, 5)
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
