"""The river's panel in a browser: what the server computed is shown, pointed at, and kept up."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap

import httpx
import pytest

from lrp_core.figures.numbers import signed
from tests.app.test_page import eventually, row, still

pytestmark = pytest.mark.browser


# the middle of a branch, where the pointer meets it
AMID = """(group) => {
  const grip = group.querySelector(".grip");
  const { x, y } = grip.getPointAtLength(grip.getTotalLength() * 0.45);
  const at = new DOMPoint(x, y).matrixTransform(grip.getScreenCTM());
  return [at.x, at.y];
}"""


def badge(page):
    box = page.locator("#dock-river .river-badge")
    return box.get_attribute("data-state"), box.locator("b").inner_text()


def open_river(page, address, query):
    page.goto(f"{address}/?{query}&dock=river")
    page.wait_for_selector("#river-body svg.river", timeout=60_000)
    page.wait_for_selector("#network[data-drawn]", timeout=60_000)
    still(page)


def test_pointing_and_arrow_keys_light_the_whole_path(real_site, page):
    open_river(page, real_site.address, "jet=12")
    assert badge(page) == ("sound", "100.000 % accounted for")
    assert page.locator("#river-body .ribbon").count() == 23
    lit = "[...document.querySelectorAll('.ribbon.on')].map((g) => g.dataset.id)"

    way = page.locator('.ribbon[data-id="node_mlp_2.0:self"]')
    page.mouse.move(*way.evaluate(AMID))
    page.wait_for_selector("svg.river.lit")
    assert "on" in way.get_attribute("class")
    assert {"output global_mlp.3", "node_mlp_2.0:self", "input_norm:input"} <= set(
        page.evaluate(lit)
    )
    assert "edge_mlp.0:source" not in page.evaluate(lit)
    faint = page.locator('.ribbon[data-id="edge_mlp.0:source"]')
    assert float(faint.evaluate("(g) => getComputedStyle(g).opacity")) < 0.3
    says = page.locator("#river-tooltip").inner_text()
    assert "Direct" in says
    assert "node_mlp_2.0:self" in says
    assert re.search(r"of the explained value\s+36\.7 %", says)
    assert re.search(r"bias earned\s+\+0\.572", says)
    page.mouse.move(2, 2)
    page.wait_for_selector("svg.river:not(.lit)")
    page.locator("#river-tooltip").wait_for(state="hidden")

    # one stop for Tab; the arrow keys go on from there
    page.locator("svg.river .ribbon[tabindex='0']").focus()
    focused = "document.activeElement.dataset.id"
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{focused} === 'global_mlp.3:input'")
    page.keyboard.press("ArrowDown")
    page.wait_for_function(f"{focused} === 'global_mlp.3 bias'")
    assert set(page.evaluate(lit)) == {"output global_mlp.3", "global_mlp.3 bias"}
    assert page.locator("svg.river .ribbon[tabindex='0']").count() == 1
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert re.search(r"the biases: \+0\.0644, for H→bb̄, 1\.62 % of the explained value", label)
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"{focused} === 'output global_mlp.3'")
    page.keyboard.press("Escape")
    page.wait_for_selector("svg.river:not(.lit)")


def test_it_follows_the_jet_the_theme_and_its_size(toy_site, page):
    open_river(page, toy_site.address, "jet=0")
    width, height = (f"document.querySelector('svg.river').viewBox.baseVal.{side}"
                     for side in ("width", "height"))  # fmt: skip
    first = page.evaluate(width)
    page.locator('[data-enlarge="river"]').click()
    page.wait_for_function(f"{height} > 340")
    eventually(page, lambda: page.locator("svg.river text.received").count() >= 5)
    page.locator('[data-enlarge="river"]').click()
    page.wait_for_function(f"{height} < 340")
    page.wait_for_function(f"{width} === {first}")
    spring = "document.querySelector('#river-body stop').getAttribute('stop-color')"
    dark = page.evaluate(spring)
    page.locator("#theme-switch").click()
    page.wait_for_function(f"{spring} !== {dark!r}")
    page.evaluate("window.jetlrp.view.show('a', null)")
    page.wait_for_selector("#river-body .river-empty")
    assert page.locator("svg.river").count() == 0
    page.locator(".river-badge").wait_for(state="hidden")


def test_no_badge_is_green_where_relevance_cancels(toy_site, page):
    toy_site.service.cancelling = 2.0
    open_river(page, toy_site.address, "jet=0")
    assert badge(page) == ("cancels", "adds up, but cancels")
    said = page.locator("#conservation .badge")
    assert "broken" in said.get_attribute("class")
    assert "Adds up, but cancels" in said.inner_text()


def test_the_badge_turns_red_for_what_the_service_says(toy_site, page):
    toy_site.service.conservation_error = 0.031
    open_river(page, toy_site.address, "jet=0")
    assert badge(page) == ("broken", "96.900 % accounted for")
    box = page.locator(".river-badge b")
    red = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--warning')")
    shown = box.evaluate("(b) => getComputedStyle(b).color")
    assert shown == "rgb({}, {}, {})".format(*bytes.fromhex(red.strip().lstrip("#")))


BROKEN = """
from dataclasses import dataclass
from lrp_core.rules import RULES, Shares, Zero

@dataclass(frozen=True)
class Leaky(Zero):
    name = "leaky"
    title = "Leaky"
    summary = "Loses a tenth of what one stage passes on."

    def divide(self, a, layer, z, relevance):
        shares = super().divide(a, layer, z, relevance)
        if layer.name != "node_mlp_2.0":
            return shares
        return Shares(0.9 * shares.inputs, shares.bias, shares.epsilon)

RULES["leaky"] = Leaky
from app.cli import cli
cli(["serve", "--port", "0"])
"""


def test_a_broken_rule_shows_red_from_the_engine_to_the_page(repository, page):
    """A rule that loses a tenth at one stage: nothing on the way hides it."""
    environment = {**os.environ, "PYTHONPATH": str(repository), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", textwrap.dedent(BROKEN)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        said = []
        for line in server.stdout:
            said.append(line)
            if "are ready" in line:
                break
        found = re.search(r"the page is at (http://\S+)", "".join(said))
        try:
            assert found, "".join(said)
            open_river(page, found[1], "jet=96&rule=leaky(bias=account)")
            page.wait_for_selector('.river-badge[data-state="broken"]')
            state, text = badge(page)
            assert (state, "100.000" in text) == ("broken", False)
            detail = page.locator(".river-badge small").inner_text()
            assert re.search(r"^the sum is off by [+−]\d", detail)
            assert detail.endswith("node_mlp_2.0 leaks")
            marked = page.locator(".bar-node.leak")
            assert marked.count() == 1
            assert marked.get_attribute("data-id") == "stage node_mlp_2.0"
            rule = {"rule": "leaky(bias=account)"}
            answer = httpx.post(f"{found[1]}/api/v1/jets/96/explanation", json=rule).json()
            (row,) = (row for row in answer["ledger"] if row["stage"] == "node_mlp_2.0")
            lost = answer["balance"]["leaks"]["node_mlp_2.0"]
            assert lost == pytest.approx(sum(row["passed"].values()) / 9, rel=1e-3)
            assert marked.get_attribute("aria-label").endswith(f"leaks {signed(lost)}")
            page.locator("#conservation", has_text="Not accounted for").wait_for()
        finally:
            page.goto("about:blank")  # it would miss the server
            server.send_signal(signal.SIGINT)
            server.stdout.read()


def test_the_latest_question_wins_and_a_refusal_is_said(toy_site, page, expected):
    expected.append("status of 503")
    open_river(page, toy_site.address, "jet=0")
    asked = [r for r in toy_site.service.requests if "/pictures/river" in r[1]]
    assert {r[1] for r in asked} == {"/jets/0/pictures/river"}
    spring = "document.querySelector('#river-body stop').getAttribute('stop-color')"
    dark = page.evaluate(spring)
    page.locator("#theme-switch").click()
    page.wait_for_function(f"{spring} !== {dark!r}")
    # the same picture again is not asked for again
    n = len([r for r in toy_site.service.requests if "/pictures/" in r[1]])
    page.locator("#theme-switch").click()
    page.wait_for_function(f"{spring} === {dark!r}")
    assert len([r for r in toy_site.service.requests if "/pictures/" in r[1]]) == n

    refuse = {"status": 503, "body": '{"error": {"message": "Too much to do <just> now."}}'}
    page.route("**/pictures/**", lambda route: route.fulfill(**refuse))
    row(page, 1).click()
    said = page.locator("#river-body .river-error")
    said.wait_for()
    assert "Too much to do <just> now." in said.inner_text()
    assert page.locator("svg.river").count() == 0
    page.locator(".river-badge").wait_for(state="hidden")
    page.unroute("**/pictures/**")
    said.locator("button").click()
    page.wait_for_selector('#river-body[data-jet="1"] svg.river')
