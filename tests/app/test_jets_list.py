"""Finding jets in a real browser, on the real jets: by number, by limits, at random, in a row."""

from __future__ import annotations

import httpx
import pytest

from tests.app.test_page import eventually, says
from tests.app.test_page import wait_for_jet as drawn

pytestmark = pytest.mark.browser


def listed(site, **query):
    answer = httpx.get(f"{site.address}/api/v1/jets", params=query, timeout=60)
    return answer.raise_for_status().json()


def scored(site, page):
    """Wait until every jet has its score."""
    for _ in range(1500):
        scores = httpx.get(f"{site.address}/api/v1/health", timeout=60).json()["scores"]
        if scores["done"] == scores["total"]:
            return
        page.wait_for_timeout(200)
    pytest.fail("the jets are never scored")


def test_a_jet_is_found_by_its_number_and_the_next_ones_follow(real_site, page):
    page.goto(real_site.address)
    page.locator(".ag-row").first.wait_for()
    find = page.get_by_label("Open the jet with this number")
    find.fill("642")
    find.press("Enter")
    drawn(page, 642)
    page.locator('.ag-row.ag-row-selected[row-id="642"]').wait_for()  # and the list goes there
    page.get_by_role("button", name="Next jet of the list").click()
    drawn(page, 643)
    page.get_by_role("button", name="Previous jet of the list").click()
    drawn(page, 642)
    says(page, jet="642")


def test_rows_are_skeletons_until_they_come(toy_site, page):
    held, may_go = [], []

    def hold(route):
        """Keep what asks for rows; what asks for something else goes on."""
        if "startRow" in (route.request.post_data or "") and not may_go:
            held.append(route)
        else:
            route.continue_()

    page.route("**/_dash-update-component*", hold)
    page.goto(f"{toy_site.address}/?jet=5")
    skeletons = """
    (calm) => {
      const rows = [...document.querySelectorAll(".ag-center-cols-container .ag-row")];
      const isBar = (cell) => {
        const bar = getComputedStyle(cell, "::before"), names = bar.animationName.split(", ");
        return bar.content === '""' && parseFloat(bar.width) > 4 && parseFloat(bar.height) > 4 &&
          names.includes("appear") && names.includes("wait") !== calm && !cell.textContent.trim();
      };
      return rows.length > 10 && rows.every((row) => row.classList.contains("jet-waiting") &&
        row.querySelectorAll(".ag-cell").length === 6 &&
        [...row.querySelectorAll(".ag-cell")].every(isBar));
    }
    """
    page.wait_for_function(skeletons, arg=True)
    page.emulate_media(reduced_motion="no-preference")
    page.wait_for_function(skeletons, arg=False)
    drawn(page, 5)  # the rest of the page does not wait for them
    eventually(page, lambda: held)

    may_go.append(True)
    for route in held:
        route.continue_()
    page.locator('.ag-row.ag-row-selected[row-id="5"]').wait_for()
    rows = page.locator(".ag-center-cols-container .ag-row")
    eventually(page, lambda: rows.count() == 6)
    page.locator(".jet-waiting").first.wait_for(state="detached")
    first = page.locator('.ag-row[row-id="0"] [col-id="index"]')
    eventually(page, lambda: first.inner_text() == "0")


def test_no_key_is_lost_however_quickly_they_are_pressed(real_site, page):
    explained = []
    page.on("request", lambda one: explained.append(one.url)
            if '"..stage.className' in (one.post_data or "") else None)  # fmt: skip
    page.goto(f"{real_site.address}/?jet=100")
    page.locator('.ag-row.ag-row-selected[row-id="100"]').wait_for()
    drawn(page, 100)
    explained.clear()
    for _ in range(15):
        page.keyboard.press("j")
    drawn(page, 115)
    says(page, jet="115")
    page.locator('.ag-row.ag-row-selected[row-id="115"]').wait_for()
    assert len(explained) <= 2  # those that were passed by are not explained
    # more, while one is being explained, slower than the keys are waited for; there and back
    for key in "jjjjjkkkkkkkk":
        page.keyboard.press(key)
        page.wait_for_timeout(160)
    drawn(page, 112)
    says(page, jet="112")
    # through rows that are not loaded yet, and to the end of the list
    for _ in range(120):
        page.keyboard.press("j")
    drawn(page, 232)
    page.keyboard.press("j")  # a jet that is opened otherwise ends what the keys were about
    find = page.get_by_label("Open the jet with this number")
    find.fill("914")
    find.press("Enter")
    drawn(page, 914)
    page.locator(".scene-title h2").click()
    for _ in range(9):
        page.keyboard.press("j")
    drawn(page, 916)
    says(page, jet="916")


def test_a_key_before_the_list_is_there_counts(real_site, page):
    page.goto(f"{real_site.address}/?jet=500", wait_until="commit")
    page.wait_for_function("Boolean(window.jetlrp && window.jetlrp.keys && document.body)")
    page.wait_for_function("Boolean(document.querySelector('.jets-grid'))")
    page.keyboard.press("j")
    page.keyboard.press("j")
    drawn(page, 502)


def test_a_link_goes_to_its_jet_in_the_list(real_site, page):
    page.goto(f"{real_site.address}/?jet=64")  # among the rows that come first, but out of sight
    page.locator('.ag-row.ag-row-selected[row-id="64"]').wait_for()


def test_limits_shorten_the_list_and_next_stays_inside_them(real_site, page):
    page.goto(real_site.address)
    page.locator(".ag-row").first.wait_for()
    assert not page.locator("#jets-limits").is_visible()
    page.get_by_role("button", name="Limits").click()
    page.get_by_label("least pT (GeV)").fill("700")
    page.get_by_label("most pT (GeV)").fill("900")
    page.get_by_label("least tracks").fill("40")
    there = listed(real_site, min_pt=700, max_pt=900, min_n_tracks=40)
    assert 3 < there["matching"] < 917
    wanted = f"{there['matching']} of 917"
    page.wait_for_function(f"document.getElementById('jets-count').textContent === '{wanted}'")
    page.get_by_role("button", name="Limits (2)").wait_for()
    for jet in there["jets"][:2]:
        page.get_by_role("button", name="Next jet of the list").click()
        drawn(page, jet["index"])
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function("document.getElementById('jets-count').textContent === '917 jets'")
    assert page.get_by_label("least pT (GeV)").input_value() == ""


@pytest.mark.parametrize(
    ("title", "label", "least", "most"),
    [
        ("Confident signal", "hbb", 0.95, 1.0),
        ("Background mistaken for signal", "qcd", 0.5, 1.0),
    ],
)
def test_a_random_jet_of_a_kind(real_site, page, title, label, least, most):
    page.goto(real_site.address)
    page.locator(".ag-row").first.wait_for()
    scored(real_site, page)
    page.get_by_title("Open a random jet of a kind").click()
    page.get_by_role("button", name=title).click()
    page.wait_for_selector("#network[data-drawn]")
    index = int(page.locator("#network").get_attribute("data-drawn"))
    row = listed(real_site, min_index=index, max_index=index)["jets"][0]
    assert row["label"] == label
    assert least <= row["score"] <= most
    page.get_by_role("button", name=title).wait_for(state="hidden")  # the menu has closed
