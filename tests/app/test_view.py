"""The view in the address: every key there and back, history, the link, and files to take away."""

from __future__ import annotations

import httpx
import numpy as np
import pytest

import lrp_core
from app.main import create_app
from lrp_core.rules import Epsilon, Flat, Gamma, parse_rule
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
    page.locator('.ag-header-cell[col-id="pt"] .ag-header-cell-label').click()
    page.locator("#jets-limits-button").click()
    page.get_by_label("least pT (GeV)").fill("310")
    page.locator("#jets-count", has_text="1 of 6").wait_for()
    page.keyboard.press("Tab")
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
    other.locator("#jets-count", has_text="1 of 6").wait_for(state="attached")
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
    assert picture["rows"] == "1 of 6"


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
    page.go_back()  # another target and rule are a step of their own
    page.wait_for_function("window.jetlrp.view.shown.a.question.target === 'margin'")
    says(page, jet="3", target="margin")
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
    page.go_forward()
    says(page, target="hbb")
    page.wait_for_function("window.jetlrp.view.shown.a.question.target === 'hbb'")
    assert page.evaluate("window.history.length") == steps + 3


def explained(site):
    """What the service was asked to explain last."""
    bodies = [body for method, path, body in site.service.requests
              if method == "POST" and path.endswith("/explanation")]  # fmt: skip
    return {key: bodies[-1][key] for key in ("target", "rule")}


EPSILON = {"name": "epsilon", "epsilon": 0.25, "relative": True, "bias": "account"}
COMPOSITE = "composite(edge_mlp.0: flat, default: gamma(0.5))"


@browser_test
@pytest.mark.parametrize(
    ("written_as", "target", "rule", "in_list"),
    [
        ("gamma(0.5)", "margin", {"name": "gamma", "gamma": 0.5, "bias": "account"}, "gamma"),
        ("epsilon(0.25, True)", "margin", EPSILON, "epsilon"),
        ("hin-lrp", "hbb", {**EPSILON, "epsilon": 1e-9, "relative": False}, "epsilon"),
        (COMPOSITE, "margin", COMPOSITE, "composite"),
        ("gamma(strength=2)", "margin", "gamma(strength=2)", "gamma(strength=2)"),
        ("flat", "margin", "flat", "flat"),  # which the service refuses in its own words
    ],
)
def test_a_link_asks_for_the_rule_that_it_says(toy_site, page, written_as, target, rule, in_list):
    page.goto(f"{toy_site.address}/?jet=5&rule={written_as}")
    wait_for_jet(page, 5)
    says(page, target=target)
    assert explained(toy_site) == {"target": target, "rule": rule}
    assert page.locator("#rule-list").input_value() == in_list
    steps = page.evaluate("window.history.length")
    again = page.context.new_page()
    again.set_default_timeout(60_000)
    again.goto(page.evaluate("window.location.href"))
    wait_for_jet(again, 5)
    assert explained(toy_site) == {"target": target, "rule": rule}
    assert again.evaluate(STATE)["rule"] == page.evaluate(STATE)["rule"]
    assert page.evaluate("window.history.length") == steps  # writing it out is no step


@browser_test
def test_a_composite_is_put_together_in_the_form_and_back_undoes_it(toy_site, page):
    page.goto(f"{toy_site.address}/?jet=5")
    wait_for_jet(page, 5)
    says(page, target="margin")
    offered = page.locator("#rule-list option:not([hidden])")
    assert "flat" not in [one.get_attribute("value") for one in offered.all()]
    rows = page.locator(".composite-row")
    number = rows.nth(2).locator("input")
    rest = "default: gamma(gamma=1.0, bias=account)"
    asked = [explained(toy_site)]

    def step(act, rule, target="margin"):
        """Do it, and wait until it is asked for and stands in the address."""
        act()
        asked.append({"target": target, "rule": rule})
        eventually(page, lambda: explained(toy_site) == asked[-1])
        says(page, target=target, rule=rule)

    step(lambda: page.locator("#rule-list").select_option("composite"), f"composite({rest})")
    assert [one.inner_text().split("\n")[0] for one in rows.all()] == [
        "edge, input", "edge", "message", "track", "jet",
    ]  # fmt: skip
    with_flat = [row.locator('option[value="flat"]').count() for row in rows.all()]
    assert with_flat == [1, 0, 0, 0, 0]
    flat = "composite(edge_mlp.0: flat, "
    step(lambda: rows.nth(0).locator("select").select_option("flat"), f"{flat}{rest})")
    epsilon = f"{flat}node_mlp_1.*: epsilon(epsilon={{}}), {rest})"
    step(lambda: rows.nth(2).locator("select").select_option("epsilon"), epsilon.format(0.01))
    number.fill("0.5")
    step(lambda: number.press("Enter"), epsilon.format(0.5))
    parsed = parse_rule(epsilon.format(0.5))
    assert parsed.for_stage("node_mlp_1.3") == Epsilon(0.5)
    assert parsed.for_stage("edge_mlp.0") == Flat()
    assert parsed.for_stage("edge_mlp.3") == Gamma(1.0)
    page.reload()
    wait_for_jet(page, 5)
    assert explained(toy_site) == asked[-1]
    eventually(page, lambda: number.input_value() == "0.5")
    to_qcd = lambda: page.locator("#target-list").select_option("qcd")  # noqa: E731
    step(to_qcd, epsilon.format(0.5), "qcd")
    for before in reversed(asked[:-1]):
        page.go_back()
        eventually(page, lambda before=before: explained(toy_site) == before)
        written(page)
    assert page.locator("#rule-list").input_value() == "gamma"
    page.go_forward()
    eventually(page, lambda: explained(toy_site) == asked[1])


def listed(site):
    """How the service was asked for rows last."""
    return [query for _, path, query in site.service.requests if path == "/jets"][-1]


@browser_test
def test_limits_and_order_of_the_list_travel_in_a_link(toy_site, page):
    page.goto(f"{toy_site.address}/?jet=5")
    wait_for_jet(page, 5)
    page.locator("#jets-limits-button").click()
    page.get_by_label("least pT (GeV)").fill("400")
    page.get_by_label("most pT (GeV)").fill("800")
    page.get_by_label("most score").fill("0.9")
    page.locator("#jets-count", has_text="4 of 6").wait_for()
    page.locator('.ag-header-cell[col-id="pt"] .ag-header-cell-label').click()
    wanted = {"offset": "0", "limit": "100", "sort": "-pt", "min_pt": "400", "max_pt": "800",
              "max_score": "0.9"}  # fmt: skip
    eventually(page, lambda: listed(toy_site) == wanted)
    says(page, limits="score:..0.9,pt:400..800", order="-pt")
    again = page.context.new_page()
    again.set_default_timeout(60_000)
    again.goto(page.evaluate("window.location.href"))
    wait_for_jet(again, 5)
    again.locator("#jets-count", has_text="4 of 6").wait_for()
    eventually(again, lambda: listed(toy_site) == wanted)
    assert again.locator("#jets-limits-button").inner_text() == "Limits (2)"
    assert again.get_by_label("least pT (GeV)").input_value() == "400"
    first = again.locator('.ag-row[row-index="0"]')
    eventually(again, lambda: first.get_attribute("row-id") == "4")
    again.locator("#jets-limits-button").click()
    again.locator("#jets-limits-clear").click()
    again.locator("#jets-count", has_text="6 jets").wait_for()
    eventually(again, lambda: "limits" not in question(again))


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
