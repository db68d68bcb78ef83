"""The view in the address: every key there and back, history, the link, and files to take away."""

from __future__ import annotations

import httpx
import numpy as np
import pytest

import lrp_core
from app.main import create_app
from lrp_core.service.schemas import Base64Array
from tests.app.test_page import (
    choose,
    eventually,
    question,
    row,
    says,
    still,
    turn,
    wait_for_jet,
    written,
)

browser_test = pytest.mark.browser

STATE = "() => JSON.parse(JSON.stringify(window.jetlrp.view.state))"
USUAL = (
    "() => Object.fromEntries(Object.entries(window.jetlrp.view.KEYS).map(([key, [usual]]) =>"
    " [key, usual]))"
)
DRAWN = """
() => {
  const div = document.getElementById("network");
  const tracks = div.data.find((t) => t.name === "tracks");
  const camera = window.jetlrp.camera.live(div);
  return {
    camera: ["eye", "center", "up"].flatMap((k) => ["x", "y", "z"].map((s) => camera[k][s])),
    x: Array.from(tracks.x), y: Array.from(tracks.y), z: Array.from(tracks.z),
    sizes: Array.from(tracks.marker.size), colours: Array.from(tracks.marker.color),
    edges: div.dataset.edges, traces: div.data.map((t) => t.name),
    theme: document.documentElement.dataset.theme,
    classes: [...document.documentElement.classList].filter((c) => c !== "pointing").sort(),
    projection: div._fullLayout.scene.camera.projection.type,
    rows: document.getElementById("jets-count").textContent,
    open: [...document.querySelectorAll("[data-dock]")].map((b) => b.getAttribute("aria-pressed")),
  };
}
"""


@browser_test
def test_every_key_of_the_view_travels_in_a_link(toy_site, page):
    page.set_viewport_size({"width": 1500, "height": 950})
    page.goto(f"{toy_site.address}/?jet=3")
    wait_for_jet(page, 3)
    page.locator("#pin").click()
    page.wait_for_selector("#network-b[data-drawn]")
    still(page)
    row(page, 5).click()
    wait_for_jet(page, 5)
    page.get_by_role("button", name="hin-lrp").click()
    page.wait_for_function("window.jetlrp.view.shown.a.question.target === 'hbb'")
    page.wait_for_function("!document.querySelector('.state.busy.on')")
    says(page, target="hbb")
    still(page)
    page.get_by_role("button", name="difference", exact=True).click()
    for key, value in (
        ("x", "track_dxy"), ("y", "track_pt"), ("z", "track_pt"), ("size", "relevance"),
        ("color", "charge"), ("edgecolor", "relevance"),
    ):  # fmt: skip
        choose(page, key, value)
    page.locator('[data-toggle="marks"]').first.click()
    page.keyboard.press("Escape")
    page.locator("#jets-label, .jets").get_by_text("H→bb̄", exact=True).first.click()
    page.locator("#jets-count", has_text="2 of 6").wait_for()
    page.locator("#theme-switch").click()
    still(page)
    turn(page)
    page.keyboard.press("o")
    page.keyboard.press("[")
    page.keyboard.press("2")  # the second panel of the dock, beside what is open
    page.evaluate(  # keys of what is clicked on in the picture, or needs another panel to be open
        "() => window.jetlrp.view.set({track: 2, ways: 'out', edge: 13, sort: 'pt', rows: 'all'})"
    )
    page.keyboard.press("l")
    page.evaluate("() => window.jetlrp.view.set({full: 'compare', talk: true})")
    written(page)
    still(page)
    state, usual, drawn = page.evaluate(STATE), page.evaluate(USUAL), page.evaluate(DRAWN)
    # rotate moves the camera, the threshold stands instead of the number of edges, and there is no
    # choice of files
    assert {key for key in state if state[key] == usual[key]} == {
        "rotate",
        "least",
        "file",
        "model",
    }

    copied = page.evaluate("() => { window.jetlrp.view.write(); return window.location.href; }")
    other = page.context.new_page()
    other.set_default_timeout(60_000)
    other.goto(copied)
    wait_for_jet(other, 5)
    other.wait_for_selector("#network-b[data-drawn]", state="attached")
    other.locator("#jets-count", has_text="2 of 6").wait_for(state="attached")
    written(other)
    still(other)
    again, picture = other.evaluate(STATE), other.evaluate(DRAWN)
    camera = again.pop("camera"), state.pop("camera")
    for part in ("eye", "center", "up"):
        for side in "xyz":
            assert camera[0][part][side] == pytest.approx(camera[1][part][side], abs=1e-3)
    assert again == state
    np.testing.assert_allclose(picture.pop("camera"), drawn.pop("camera"), atol=1e-3)
    assert picture == drawn
    assert picture["theme"] == "light"
    assert picture["rows"] == "2 of 6"


@browser_test
@pytest.mark.parametrize(("key", "value"), [("least", 0.05), ("rotate", True)])
def test_the_keys_that_exclude_others_travel_too(toy_site, page, key, value):
    page.emulate_media(reduced_motion="no-preference")
    page.goto(f"{toy_site.address}/?jet=5")
    wait_for_jet(page, 5)
    page.evaluate("(change) => window.jetlrp.view.set(change)", {key: value})
    eventually(page, lambda: key in question(page))
    page.reload()
    wait_for_jet(page, 5)
    assert page.evaluate(STATE)[key] == value


@browser_test
def test_back_and_forward_go_from_jet_to_jet(toy_site, page):
    page.goto(f"{toy_site.address}/?jet=5")
    wait_for_jet(page, 5)
    eventually(page, lambda: "rule" in question(page))
    steps = page.evaluate("window.history.length")
    choose(page, "size", "relevance")
    page.keyboard.press("Escape")
    says(page, size="relevance")
    assert page.evaluate("window.history.length") == steps  # only corrects the address
    row(page, 0).click()
    wait_for_jet(page, 0)
    says(page, jet="0")  # each is a step only once it has been written
    row(page, 3).click()
    wait_for_jet(page, 3)
    eventually(page, lambda: page.evaluate("window.history.length") == steps + 2)
    page.get_by_role("button", name="hin-lrp").click()
    page.wait_for_function("window.jetlrp.view.shown.a.question.target === 'hbb'")
    says(page, jet="3", target="hbb")
    page.go_back()
    wait_for_jet(page, 0)
    says(page, target="margin")
    page.wait_for_function("window.jetlrp.view.shown.a.question.target === 'margin'")
    page.wait_for_function("!document.querySelector('.state.busy.on')")
    page.locator('.equation[aria-label*="margin"]').first.wait_for()
    page.go_back()
    wait_for_jet(page, 5)
    assert page.evaluate(STATE)["size"] == "relevance"
    page.go_forward()
    wait_for_jet(page, 0)
    page.go_forward()
    wait_for_jet(page, 3)
    says(page, target="hbb")
    assert page.evaluate("window.history.length") == steps + 2


@browser_test
def test_the_link_is_copied(toy_site, page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{toy_site.address}/?jet=5")
    wait_for_jet(page, 5)
    written(page)
    page.evaluate(  # it is said in passing
        "() => { window.said = ''; new MutationObserver((changes) => {"
        " for (const one of changes.flatMap((change) => [...change.addedNodes]))"
        " if (one.matches?.('.said')) window.said = one.textContent;"
        " }).observe(document.body, {childList: true}); }"
    )
    page.locator("#copy-link").click()
    page.wait_for_function("window.said === 'Copied'")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.evaluate("window.location.href")
    assert "theme=dark" in link
    # where the browser does not give the clipboard, the link is shown, selected
    page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }"
    )
    page.keyboard.press("c")
    field = page.locator(".link-dialog input")
    field.wait_for()
    assert field.input_value() == link
    assert page.evaluate("window.getSelection().toString()") in (link, "")
    selected = "(one) => one.selectionEnd - one.selectionStart"
    eventually(page, lambda: field.evaluate(selected) == len(link))
    page.keyboard.press("Escape")
    field.wait_for(state="detached")


@browser_test
def test_the_menu_gives_the_files_of_the_jet_on_screen(toy_site, page):
    page.goto(toy_site.address)
    row(page, 0).wait_for()
    menu = page.locator("#save")
    menu.locator("summary").click()
    eventually(page, lambda: "Open a jet first" in menu.inner_text())
    row(page, 5).click()
    wait_for_jet(page, 5)
    for title, file in (
        ("JSON", "json"), ("NPZ", "npz"), ("Tracks", "tracks.csv"), ("Edges", "edges.csv"),
    ):  # fmt: skip
        menu.locator("summary").click()
        with page.expect_download() as download:
            menu.locator("a", has_text=title).click()
        assert download.value.suggested_filename == f"toy_5_margin.{file}"
        eventually(page, lambda: not menu.evaluate("(one) => one.open"))
    files = [one for one in toy_site.service.requests if one[0] == "GET" and "/expl" in one[1]]
    method, path, query = files[-1]
    assert (method, path) == ("GET", "/jets/5/explanation/edges.csv")
    assert query["rule"].startswith("gamma(")


@browser_test
def test_a_file_taken_away_holds_the_numbers_of_the_service(real_site, page, tmp_path):
    page.goto(f"{real_site.address}/?jet=12&target=hbb&rule=epsilon(epsilon=0.1)")
    wait_for_jet(page, 12)
    answer = httpx.post(
        f"{real_site.address}/api/v1/jets/12/explanation",
        json={"target": "hbb", "rule": "epsilon(epsilon=0.1)", "encoding": "base64"},
        timeout=60,
    ).json()
    significance = Base64Array(**answer["edge_significance"]).numpy()
    for title, ending in (("Explanation, JSON", ".json"), ("Explanation, NPZ", ".npz")):
        page.locator("#save summary").click()
        with page.expect_download() as download:
            page.locator("#save a", has_text=title).click()
        name = download.value.suggested_filename
        assert name.startswith("hbb_jets")
        assert "12_hbb_epsilon" in name
        assert name.endswith(ending)
        download.value.save_as(tmp_path / name)
        taken = lrp_core.load_explanation(tmp_path / name)
        assert taken.target == "hbb"
        np.testing.assert_array_equal(taken.edge_significance.astype("float32"), significance)
        assert float(taken.value) == pytest.approx(answer["value"])


def test_the_pages_own_server_passes_files_on(service):
    """As under gunicorn (app.wsgi), where /api/v1 is not the service's own."""
    with service.client() as client:
        server = create_app(client).server.test_client()
        given = server.get("/api/v1/jets/5/explanation/tracks.csv?target=hbb&rule=gamma(gamma=1)")
        assert given.status_code == 200
        assert given.data == b"tracks.csv of jet 5"
        assert "toy_5_hbb.tracks.csv" in given.headers["content-disposition"]
        assert service.requests[-1][2] == {"target": "hbb", "rule": "gamma(gamma=1)"}
        assert server.get("/api/v1/jets/99/explanation.json").status_code == 404
        assert server.get("/api/v1/jets/5/explanation.exe").status_code == 404
        assert server.get("/_jetlrp/alive").json == {"away": False}
        service.away = True
        refused = server.get("/api/v1/jets/5/explanation.json")
        assert refused.status_code == 502
        assert refused.json["error"]["code"] == "backend_unreachable"
        assert server.get("/_jetlrp/alive").json == {"away": True}
