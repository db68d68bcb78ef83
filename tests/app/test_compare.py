"""A pinned explanation beside another: pictures, one camera, one scale, and the difference."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lrp_core.service.schemas import Base64Array
from tests.app.test_page import eventually, point_at_track, question, row, says, still, wait_for_jet

pytestmark = pytest.mark.browser

GAMMA = "gamma(gamma=1,bias=account)"
EPSILON = "epsilon(epsilon=0.01,relative=false,bias=account)"
CAMERA = (
    "(id) => { const c = window.jetlrp.camera.live(document.getElementById(id));"
    " return ['eye', 'center', 'up'].flatMap((k) => ['x', 'y', 'z'].map((s) => c[k][s])); }"
)


def wait_for_pinned(page, index):
    page.wait_for_selector(f'#network-b[data-drawn="{index}"]')
    still(page)


def drag(page, pane):
    """Turn one of the two plots a little, as a hand does."""
    box = page.locator(pane).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.85
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(x + 12 * step, y - 5 * step)
        page.wait_for_timeout(60)
    page.mouse.up()


TURNED = """
([pane, other, before]) => {
  const { camera, view } = window.jetlrp;
  const at = (id) => camera.live(document.getElementById(id));
  const list = (one) => ["eye", "center", "up"].flatMap(
    (part) => ["x", "y", "z"].map((side) => one[part][side]));
  const apart = (a, b) => Math.max(...a.map((value, n) => Math.abs(value - b[n])));
  const turned = list(at(pane));
  return view.state.camera && apart(list(view.state.camera), turned) < 1e-3 &&
    apart(turned, before) > 0.05 && apart(list(at(other)), turned) < 1e-3;
}
"""


def table(page):
    """The panel "Compared": what stands in each row, by its name."""
    rows = page.locator(".compare-table tbody tr").all()
    return {each.locator("th").inner_text(): each.locator("td").all_inner_texts() for each in rows}


def test_two_jets_side_by_side_with_one_camera_and_one_scale(toy_site, page):
    page.set_viewport_size({"width": 1500, "height": 900})
    page.goto(f"{toy_site.address}/?jet=5")
    wait_for_jet(page, 5)
    assert not page.locator("#network-b").is_visible()
    page.locator("#pin").click()
    wait_for_pinned(page, 5)
    page.locator("#pin[aria-pressed=true]").wait_for()
    says(page, pin=f"5~margin~{GAMMA}")
    row(page, 0).click()
    wait_for_jet(page, 0)
    assert page.locator("#network-b").get_attribute("data-drawn") == "5"
    caption = page.locator("#network-caption")
    eventually(page, lambda: caption.inner_text() == "Jet 0 · margin H→bb̄ − QCD · LRP-γ(1)")
    assert page.locator("#network-b-caption").inner_text().startswith("pinned: Jet 5 · margin")

    # turn either: the other stands alike
    for pane, other in (("#network", "network-b"), ("#network-b", "network")):
        before = page.evaluate(CAMERA, other)
        drag(page, pane)
        page.wait_for_function(TURNED, arg=[pane[1:], other, before])
        still(page)

    # what is pointed at is told in either
    point_at_track(page, 2, "network-b")
    page.locator("#scene-tooltip").get_by_text("Track 2", exact=True).wait_for()
    page.mouse.move(5, 5)

    # numbers, as the jets are different particles
    eventually(page, lambda: table(page).get("tracks") == ["26", "7", "+19"])
    page.get_by_role("button", name="difference", exact=True).click()
    eventually(page, lambda: "in numbers only" in page.locator("#network-caption").inner_text())
    assert page.locator("#network-b").is_visible()

    # the two change places; then there is one again
    page.locator("#swap").click()
    wait_for_jet(page, 5)
    wait_for_pinned(page, 0)
    says(page, jet="5")
    page.locator(".pane.pinned .link", has_text="unpin").click()
    page.locator("#network-b").wait_for(state="hidden")
    eventually(page, lambda: "pin" not in question(page))

    # pinned once more in another window, it fills its pane
    page.set_viewport_size({"width": 1300, "height": 900})
    page.locator("#pin").click()
    wait_for_pinned(page, 5)
    page.wait_for_function(
        "() => { const div = document.getElementById('network-b');"
        " return Math.abs(div._fullLayout.width - div.clientWidth) < 2; }"
    )


LAID_OUT = """
() => {
  const box = (one) => {
    const { left, top, right, bottom, width, height } =
      (one.length ? document.querySelector(one) : one).getBoundingClientRect();
    return { left, top, right, bottom, width, height };
  };
  const legend = document.getElementById("network-legend");
  const parts = [...legend.querySelectorAll("text")];
  return {
    here: box("#network"), pinned: box("#network-b"), legend: box("#network-legend"),
    panes: box(".stage .panes"), stage: box("#stage"),
    captions: ["#network-caption > span", "#network-b-caption"].map((name) => {
      const span = document.querySelector(name), caption = span.closest(".caption");
      const words = document.createRange();
      words.selectNodeContents(span);
      return { words: box(words), of: box(caption),
               links: [...caption.querySelectorAll(".link")].map(box) };
    }),
    cut: parts.filter((part) => {
      const one = box(part), all = box("#network-legend");
      const half = one.top < all.bottom && one.bottom > all.bottom + 1;
      return half || one.right > all.right + 1 || one.left < all.left - 1;
    }).map((part) => part.textContent),
  };
}
"""
LONG = "epsilon(epsilon=0.01,relative=true,bias=spread)"


@pytest.mark.parametrize("view", ["", "&edgecolor=relevance&color=origin"])
def test_two_pictures_have_room_on_a_small_screen(toy_site, page, view):
    page.goto(f"{toy_site.address}/?jet=5&rule={GAMMA}&pin=5~margin~{LONG}{view}")
    wait_for_jet(page, 5)
    wait_for_pinned(page, 5)
    page.locator("#network-b-caption", has_text="LRP-ε(0.01, relative, biases spread)").wait_for()
    still(page)
    there = page.evaluate(LAID_OUT)

    # the two share the width of the stage, and stand at one height
    assert there["here"]["width"] == pytest.approx(there["pinned"]["width"], abs=1.5)
    assert there["here"]["width"] + there["pinned"]["width"] > there["stage"]["width"] - 4
    assert there["here"]["top"] == pytest.approx(there["pinned"]["top"], abs=0.1)
    assert there["here"]["height"] > 0.6 * there["stage"]["height"]

    # what is above them is whole
    for caption in there["captions"]:
        words, whole = caption["words"], caption["of"]
        assert whole["left"] < words["left"]
        assert words["bottom"] <= whole["bottom"] <= there["here"]["top"] + 0.1
        assert words["right"] <= min([whole["right"], *(one["left"] for one in caption["links"])])
        assert all(one["right"] <= whole["right"] for one in caption["links"])

    # and so is the legend, which lies below
    assert there["panes"]["bottom"] <= there["legend"]["top"]
    assert there["cut"] == []

    # what is pointed at is ringed where it is
    page.evaluate("window.jetlrp.view.hover({ track: 2 })")
    ring = page.locator(".highlight circle")
    ring.wait_for(state="attached")
    at = ring.evaluate(
        "(ring) => { const { left, top, width, height } = ring.getBoundingClientRect();"
        " return [left + width / 2, top + height / 2]; }"
    )
    wanted = page.evaluate(
        "() => { const div = document.getElementById('network');"
        " const { x, y, z } = window.jetlrp.scene.stateOf('network').made.figure.tracks;"
        " const [[at, down]] = window.jetlrp.highlight.project(div, [[x[2], y[2], z[2]]]);"
        " const { left, top } = div.getBoundingClientRect(); return [left + at, top + down]; }"
    )
    assert at == pytest.approx(wanted, abs=1)


def test_the_difference_of_two_rules_is_drawn(toy_site, page):
    page.set_viewport_size({"width": 1500, "height": 900})
    page.goto(f"{toy_site.address}/?jet=5&rule={GAMMA}&pin=5~margin~{EPSILON}&dock=compare")
    wait_for_jet(page, 5)
    wait_for_pinned(page, 5)
    page.get_by_role("button", name="difference", exact=True).click()
    page.locator("#network-b").wait_for(state="hidden")
    says(page, difference="1")

    def answer(rule):
        body = {"target": "margin", "rule": rule}
        given = toy_site.service.explanation(5, body)
        return [
            Base64Array(**given[name]).numpy()
            for name in ("track_relevance_sum", "edge_significance")
        ]

    (here, edges), (pinned, edges_pinned) = (
        answer("gamma(gamma=1)"),
        answer("epsilon(epsilon=0.01)"),
    )
    strongest = int(np.abs(edges - edges_pinned).argmax())
    page.wait_for_function(
        f"() => window.jetlrp.scene.stateOf('network').made.edges.number[0] === {strongest}"
    )
    still(page)
    legend = page.locator("#network-legend")
    for words in ("Δ track relevance", "+ more", "− less", "than pinned"):
        legend.get_by_text(words).first.wait_for()
    page.locator(
        "#network-caption", has_text="LRP-γ(1) minus margin H→bb̄ − QCD · LRP-ε(0.01)"
    ).wait_for()

    point_at_track(page, 0)
    words = page.locator("#scene-tooltip").text_content()
    assert "Δ relevance" in words
    assert ("more" if here[0] > pinned[0] else "less") + " than pinned" in words

    # the panel lists what moved; a row points at it
    first = page.locator(".compare-changes button[data-track]").first
    assert first.get_attribute("data-track") == str(np.abs(here - pinned).argmax())
    moved = int(np.abs(here - pinned).argmax())
    first.hover()
    page.wait_for_function(f"window.jetlrp.view.hovered.track === {moved}")
    edge = page.locator(".compare-changes button[data-edge]").first
    assert edge.get_attribute("data-edge") == str(strongest)
    edge.click()
    says(page, edge=str(strongest))
    page.keyboard.press("Escape")
    page.locator(".dock-strip [data-dock=compare]").click()
    service = toy_site.service
    asked = [path for _, path, _ in service.requests].count("/jets/5/comparison")
    page.locator(".dock-strip [data-dock=compare]").click()
    page.locator(".compare-table").wait_for()
    again = [path for _, path, _ in service.requests].count("/jets/5/comparison")
    assert again == asked, "what is told already costs nothing"


@pytest.mark.parametrize("expected", [["502", "Failed to load resource"]])
def test_a_pinned_jet_that_cannot_be_shown(toy_site, page):
    page.goto(f"{toy_site.address}/?jet=5&pin=4~margin~{GAMMA}")
    wait_for_jet(page, 5)
    error = page.locator(".pane.pinned .state.error")
    error.get_by_text("the jet has no tracks").wait_for()
    error.get_by_text("req-7f3a").wait_for()
    page.locator("#network-b-caption", has_text=re.compile("^pinned: Jet 4")).wait_for()
    error.get_by_role("button", name="Unpin").click()
    error.wait_for(state="hidden")

    # away: it is said, and heals by itself
    page.locator("#pin").click()
    wait_for_pinned(page, 5)
    page.locator(".pane.pinned .link", has_text="unpin").click()
    toy_site.service.away = True
    page.locator("#pin").click()
    error.get_by_text("The service is away").wait_for()
    toy_site.service.away = False
    wait_for_pinned(page, 5)
