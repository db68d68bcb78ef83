"""The card of an edge: what the service says of it, in numbers that add up and in words."""

from __future__ import annotations

import json
import re

import httpx
import numpy as np
import pytest
from dash import html

from app.panels import edge_card
from lrp_core.features import feature
from lrp_core.figures.numbers import gev, signed
from lrp_core.service.schemas import EdgeAnswer
from tests.app.test_page import click, click_edge, eventually, still, wait_for_jet
from tests.app.test_panels import walk, words

ASKED = {"jet": 5, "edge": 3, "target": "margin", "rule": "gamma(gamma=1.0)"}
CARD = "#edge-card"
PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def number(text):
    return float(text.replace("−", "-").replace("+", ""))


def asked_for(site):
    return [body for _, path, body in site.service.requests if path.endswith("/explanation/edge")]


def open_jet(page, site, index, more=""):
    page.goto(f"{site.address}/?jet={index}{more}")
    wait_for_jet(page, index)


def ready(page):
    """The card with its answer, once the picture shows the edge too."""
    page.wait_for_selector(f"{CARD}[aria-busy=false]")
    still(page)
    return page.locator(CARD)


def told(service, asked=ASKED):
    with service.client() as client:
        return edge_card.answer(client, asked)


def of_class(component, name):
    return [one for one in walk(component) if name in (getattr(one, "className", "") or "").split()]


def test_the_service_is_asked_for_one_edge(service):
    card = told(service)
    assert service.requests[-1][1] == "/jets/5/explanation/edge"
    given = card.to_plotly_json()["props"]
    assert json.loads(given["data-asked"]) == ASKED
    assert given["data-title"] == "Track 0 → track 4"
    assert told(service, None) is None


def test_the_card_says_tracks_significance_rank_and_what_it_speaks_for(service):
    says = service.edge(5, ASKED)
    said = words(told(service))
    first, second = says["ends"]
    assert f"from   track {first['track']} pT {gev(first['pt'])}" in said
    assert f"to   track {second['track']} pT {gev(second['pt'])}" in said
    assert ("displaced" in said) == (first["displaced"] or second["displaced"])
    assert f"{says['rank']}  of {says['n_edges']}" in said
    assert f"{signed(says['signed_relevance'])}   {says['speaks']}" in said


def test_the_features_are_in_order_and_add_up(service):
    says = service.edge(5, ASKED)
    card = told(service)
    power = re.search(r"through track 0, × 10(\S+)", words(card))
    unit = 10.0 ** int((power[1] if power else "⁰").translate(PLAIN))
    sides = [one for one in walk(card) if isinstance(one, html.Ul)]
    for side, name in zip(sides, ("source_relevance", "destination_relevance"), strict=True):
        shown = [number(words(one)) for one in of_class(side, "signed")]
        values = sorted(says[name], key=lambda value: -abs(value))
        np.testing.assert_allclose(np.multiply(shown, unit), values, atol=0.0051 * unit)
        bars = [one.children.className for one in of_class(side, "two-sided")]
        assert bars == ["negative" if value < 0 else "positive" for value in values]
        assert len(of_class(side, "weak")) == 1  # 9 features, of which 8 are shown at first
    (line,) = of_class(card, "card-sum")
    source, destination, total = (number(words(one)) for one in of_class(line, "signed"))
    assert source + destination == pytest.approx(total, abs=0.011)
    assert total * unit == pytest.approx(says["signed_relevance"], rel=1e-2)
    assert "all 9 features" in words(line)


@pytest.mark.parametrize(
    ("size", "unit"), [(300.0, ""), (3.0, ""), (0.12, ""), (0.012, "× 10⁻²"), (1e-9, "× 10⁻⁹")]
)
def test_numbers_of_an_edge_are_short(service, size, unit):
    says = service.edge(5, ASKED)
    n = len(says["features"])
    says |= {"source_relevance": [size] * n, "destination_relevance": [None] * n}
    card = edge_card.card(EdgeAnswer.model_validate(says))
    assert (f"through track 0, {unit}" in words(card)) == bool(unit)
    shown = [words(one) for one in of_class(card[2], "signed")]
    assert all(len(text) <= 6 for text in shown)
    assert shown[-1] == "–"


def test_without_numbers_the_card_has_dashes(service):
    says = service.edge(5, ASKED) | {
        "significance": None, "rank": None, "signed_relevance": None, "ends": [], "speaks": ""
    }  # fmt: skip
    says |= {side: [None] * 9 for side in ("source_relevance", "destination_relevance")}
    assert "rank –" in words(edge_card.card(EdgeAnswer.model_validate(says)))


def test_what_goes_wrong_is_passed_on_in_words(service):
    service.away = True
    wrong = told(service)
    assert "does not answer" in words(wrong)
    assert json.loads(wrong.to_plotly_json()["props"]["data-asked"]) == ASKED
    assert "Try again" in words(wrong)


@pytest.mark.browser
def test_a_click_on_an_edge_opens_its_card(toy_site, page):
    open_jet(page, toy_site, 0)
    assert not page.locator(CARD).is_visible()
    edge = click_edge(page, 2)
    card = ready(page)
    assert [body["edge"] for body in asked_for(toy_site)] == [edge]
    source, destination = page.evaluate("(edge) => window.jetlrp.scene.endsOf(edge)", edge)
    given = toy_site.service.explanation(0, {"target": "margin", "rule": "gamma(gamma=1)"})
    expected = np.asarray(toy_site.service.explained(given).signed_edge_relevance)[edge]
    text = card.inner_text()
    assert f"Track {source} → track {destination}" in text
    assert "3 of 650" in text
    found = card.locator(".card-sum b").inner_text(), card.locator(".card-sum .muted").inner_text()
    power = found[1].removeprefix("× 10").translate(PLAIN) or "0"
    assert number(found[0]) * 10.0 ** int(power) == pytest.approx(expected, rel=1e-2)

    rows = card.locator(".card-sides > div:first-child li:visible")
    assert rows.count() == 8
    card.get_by_role("button", name="all 9 features").click()
    assert rows.count() == 9
    card.get_by_role("button", name="strongest 8 only").click()
    assert rows.count() == 8

    # the edge is traced in the picture, and the address has it
    page.wait_for_function(
        "document.getElementById('network').data.some((t) => t.name === 'chosen edge')"
    )
    page.wait_for_function(f"location.search.includes('edge={edge}')")

    # a track of it can be looked at alone; the card stays
    card.get_by_role("button", name=f"track {source}").click()
    page.wait_for_function(f"window.jetlrp.view.state.track === {source}")
    assert card.is_visible()

    card.get_by_role("button", name="Close the card").click()
    card.wait_for(state="hidden")
    page.wait_for_function("!location.search.includes('edge=')")
    page.wait_for_function(
        "!document.getElementById('network').data.some((t) => t.name === 'chosen edge')"
    )
    assert len(asked_for(toy_site)) == 1


@pytest.mark.browser
def test_a_link_opens_the_card_and_escape_closes_it(toy_site, page):
    open_jet(page, toy_site, 5, "&edge=3")
    card = ready(page)
    assert "Track 0 → track 4" in card.inner_text()
    page.keyboard.press("Escape")
    card.wait_for(state="hidden")

    # another rule is another answer; another jet has no such edge
    page.evaluate("window.jetlrp.view.set({ edge: 3 })")
    ready(page)
    page.get_by_role("button", name="hin-lrp").click()
    page.wait_for_function("window.jetlrp.view.shown.a.question.target === 'hbb'")
    eventually(page, lambda: asked_for(toy_site)[-1]["target"] == "hbb")
    ready(page)
    page.locator('.ag-center-cols-container .ag-row[row-id="0"]').click()
    wait_for_jet(page, 0)
    card.wait_for(state="hidden")


@pytest.mark.browser
def test_while_it_is_asked_for_and_when_it_cannot_be_had(toy_site, page):
    open_jet(page, toy_site, 5)
    page.wait_for_selector(".ag-row")
    toy_site.service.may_answer.clear()
    click_edge(page, 0)
    card = page.locator(CARD)
    card.locator(".skeleton").wait_for()
    assert card.get_attribute("aria-busy") == "true"
    assert "significance" in card.inner_text()  # what is known stands there at once
    toy_site.service.may_answer.set()
    ready(page)
    card.locator(".skeleton").wait_for(state="hidden")

    toy_site.service.away = True
    click_edge(page, 1)
    card.get_by_text("does not answer").wait_for()
    toy_site.service.away = False
    card.get_by_role("button", name="Try again").click()
    card.locator(".card-sum").wait_for()


@pytest.mark.browser
def test_the_card_of_a_real_edge_is_what_the_service_says(real_site, page):
    open_jet(page, real_site, 12)
    edge = click_edge(page, 0)
    card = ready(page)
    says = httpx.post(
        f"{real_site.address}/api/v1/jets/12/explanation/edge",
        json={"target": "margin", "edge": edge},
        timeout=60,
    ).json()
    assert says["rank"] == 1
    assert "1 of 240" in card.inner_text()
    first = np.argmax(np.abs(says["source_relevance"]))
    answer = feature(says["features"][first]).title
    shown = card.locator(".card-sides > div:first-child .name").first.inner_text()
    assert shown.replace(" ", "") == answer.replace("_", "").replace(" ", "")
    box, stage = card.bounding_box(), page.locator("#stage").bounding_box()
    assert box["y"] >= stage["y"]
    assert box["x"] + box["width"] <= stage["x"] + stage["width"]
    assert box["y"] + box["height"] <= stage["y"] + stage["height"]


SEEN = """
([kind, rank]) => {  // the middle of an edge, or a track, wherever it is and whatever is in front
  const { highlight, scene, view } = window.jetlrp;
  const div = document.getElementById("network");
  const { made } = scene.stateOf("network");
  const { list, k } = scene.selected(made, view.state);
  const { x: xs, y: ys, z: zs } = made.figure.tracks;
  const track = made.tracks.order[rank];
  const [[x, y]] = highlight.project(div, [kind === "edge"
    ? scene.pointsOf(made, list[Math.floor((rank / 10) * k)])[4]
    : [xs[track], ys[track], zs[track]]]);
  const { left, top } = div.getBoundingClientRect();
  return [left + x, top + y];
}
"""
HOVERED = "() => [window.jetlrp.view.hovered.track, window.jetlrp.view.hovered.edge]"
CHOSEN = "() => [window.jetlrp.view.state.track, window.jetlrp.view.state.edge]"


@pytest.mark.browser
def test_thirty_of_thirty_clicks_choose_what_is_pointed_at(real_site, page):
    """On tracks and on edges of every rank, however short or long the press is, once each."""
    page.set_viewport_size({"width": 1440, "height": 900})
    open_jet(page, real_site, 12, "&dock=.")
    lost = []
    for number_of in range(30):
        kind = "track" if number_of % 3 == 2 else "edge"
        hold = (0, 10, 30, 80, 250)[number_of % 5]
        x, y = page.evaluate(SEEN, [kind, number_of // 3])
        page.mouse.move(x, y)
        page.wait_for_function(f"({HOVERED})().some((one) => one !== null)")
        meant = page.evaluate(HOVERED)
        click(page, x, y, hold)
        page.wait_for_timeout(50)  # frames go by, in each of which Plotly would click once more
        if page.evaluate(CHOSEN) != meant:
            lost.append((kind, number_of, hold, meant, page.evaluate(CHOSEN)))
        elif meant[1] is not None:
            page.locator(CARD).wait_for()
        page.keyboard.press("Escape")
        page.mouse.move(5, 5)
        page.wait_for_function(f"({HOVERED})().every((one) => one === null)")
        still(page)
        assert page.evaluate(CHOSEN) == [None, None]
    assert lost == []
