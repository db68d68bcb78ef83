"""The keyboard: each shortcut pressed once, its effect seen; and the overlay that lists them."""

from __future__ import annotations

import re

import pytest

from tests.app.test_page import eventually, row, says, still, wait_for_jet

pytestmark = pytest.mark.browser

STATE = "(key) => window.jetlrp.view.state[key]"


@pytest.fixture
def opened(toy_site, page):
    page.goto(f"{toy_site.address}/?jet=5")
    wait_for_jet(page, 5)
    row(page, 5).wait_for()
    page.locator(".scene-title h2").click()  # nothing has the focus
    return page


def state(page, key):
    return page.evaluate(STATE, key)


def becomes(page, key, value):
    eventually(page, lambda: state(page, key) == value)


def test_leafing_through_the_list_as_it_is_sorted(opened):
    page = opened
    page.locator(".ag-header-cell", has_text="Tracks").click()  # 1, 0, 5, 3, 2, 4
    page.wait_for_function(
        "document.querySelector('.ag-row[row-index=\"0\"]')?.getAttribute('row-id') === '1'"
    )
    page.locator(".scene-title h2").click()
    for key, index in (("j", 3), ("ArrowRight", 2), ("k", 3), ("ArrowLeft", 5), ("k", 0)):
        page.locator(
            ".ag-center-cols-container .ag-row-selected"
        ).wait_for()  # it goes on from there
        page.keyboard.press(key)
        wait_for_jet(page, index)
    # also while the list is folded away
    page.keyboard.press("l")
    page.locator(".jets").wait_for(state="hidden")
    says(page, list="0")
    page.keyboard.press("j")
    wait_for_jet(page, 5)
    page.keyboard.press("l")
    row(page, 5).wait_for()


def test_edges_camera_panels_theme_and_pin(opened):
    page = opened
    drawn = int(page.locator("#network").get_attribute("data-edges"))
    page.keyboard.press("[")
    page.wait_for_function(f"+document.getElementById('network').dataset.edges < {drawn}")
    page.keyboard.press("]")
    page.keyboard.press("]")
    page.wait_for_function(f"+document.getElementById('network').dataset.edges > {drawn}")

    up = "() => window.jetlrp.camera.live(document.getElementById('network'))"
    for key, seen in (
        ("t", "(c) => Math.abs(c.eye.z) > 4 * Math.abs(c.eye.x) && c.up.y > 0.9"),
        ("f", "(c) => Math.abs(c.eye.y) > 4 * Math.abs(c.eye.x) && c.up.z > 0.9"),
        ("s", "(c) => Math.abs(c.eye.x) > 4 * Math.abs(c.eye.y)"),
        ("g", "(c) => c.eye.x > 0.5 && c.eye.y < -0.5"),
    ):
        page.keyboard.press(key)
        page.wait_for_function(f"({seen})(({up})())")
    page.keyboard.press("o")
    becomes(page, "projection", "orthographic")
    page.keyboard.press("o")
    becomes(page, "projection", "perspective")
    page.emulate_media(reduced_motion="no-preference")
    page.keyboard.press("r")
    becomes(page, "rotate", True)
    page.keyboard.press("r")
    becomes(page, "rotate", False)
    still(page)

    tabs = page.locator(".dock-strip [data-dock]")
    for at in range(tabs.count()):
        before = tabs.nth(at).get_attribute("aria-pressed")
        page.keyboard.press(str(at + 1))
        eventually(page, lambda: tabs.nth(at).get_attribute("aria-pressed") != before)  # noqa: B023
        page.keyboard.press(str(at + 1))
        eventually(page, lambda: tabs.nth(at).get_attribute("aria-pressed") == before)  # noqa: B023

    page.keyboard.press("d")
    page.wait_for_function("document.documentElement.dataset.theme === 'light'")
    page.keyboard.press("p")
    page.wait_for_selector("#network-b[data-drawn]")
    page.keyboard.press("p")
    page.locator("#network-b").wait_for(state="hidden")


def test_escape_closes_one_thing_after_the_other(opened):
    page = opened
    page.evaluate("() => window.jetlrp.view.set({track: 2, edge: 13, talk: true})")
    page.keyboard.press("?")
    dialog = page.locator("#keys")
    dialog.wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    for key, closed in (("edge", None), ("track", None), ("talk", False)):
        assert state(page, key) != closed
        page.keyboard.press("Escape")
        becomes(page, key, closed)
    page.evaluate("() => window.jetlrp.view.set({track: 2})")
    page.keyboard.press("x")
    becomes(page, "track", None)
    page.locator("#save summary").click()
    page.keyboard.press("Escape")
    eventually(page, lambda: not page.locator("#save").evaluate("(one) => one.open"))


def test_help_is_a_dialog_and_lists_every_key(opened):
    page = opened
    page.locator("#help").click()
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    dialog.wait_for()
    words = dialog.inner_text()
    listed = page.evaluate(
        "() => window.jetlrp.keys.KEYS.flatMap(([, rows]) => rows.flatMap(([names]) => names))"
    )
    assert {"J", "K", "P", "C", "D", "M", "L", "[", "]", "X", "?", "Esc"} <= set(listed)
    assert all(re.search(re.escape(name), words) for name in listed)
    for _ in range(6):  # the focus stays inside
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body ||"
            " Boolean(document.activeElement.closest('#keys'))"
        )
    page.keyboard.press("p")  # nothing happens behind it
    assert state(page, "pin") is None
    page.keyboard.press("?")
    dialog.wait_for(state="hidden")


def test_keys_are_not_heard_while_one_types(opened):
    page = opened
    says(page, theme="dark")  # the view is complete
    before = page.evaluate("() => JSON.stringify(window.jetlrp.view.state)")
    field = page.locator('.parameters:not(.hidden) input[type="number"]').first
    field.click()
    for key in "dplmx[]?":
        page.keyboard.press(key)
    find = page.locator("#jets-find input")
    find.click()
    page.keyboard.type("dpm?")
    assert find.input_value() == "dpm?"
    assert page.evaluate("() => JSON.stringify(window.jetlrp.view.state)") == before
    # the grid keeps its arrows: they move along its rows
    row(page, 3).click()
    wait_for_jet(page, 3)
    page.keyboard.press("ArrowUp")
    wait_for_jet(page, 2)
