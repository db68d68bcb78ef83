"""A jet too large to fetch at once: its strongest edges first, all of them on demand."""

from __future__ import annotations

import json
import re

import pytest

from app import explaining
from app.explaining import explained
from lrp_core.service.schemas import JetDetail
from tests.app.test_page import still, wait_for_jet

pytestmark = pytest.mark.browser


def test_only_large_jets_are_cut(service):
    small = JetDetail.model_validate(service.jet(1))
    assert explaining.top_edges(small) is None
    large = small.model_copy(update={"n_edges": explaining.MANY_EDGES + 1})
    assert explaining.top_edges(large) == explaining.TOP_EDGES


def test_all_edges_come_on_demand(toy_site, page, monkeypatch):
    monkeypatch.setattr(explaining, "MANY_EDGES", 1000)
    monkeypatch.setattr(explaining, "TOP_EDGES", 400)
    page.goto(f"{toy_site.address}/?jet=1")  # 118 tracks
    wait_for_jet(page, 1)
    words = page.locator("#edges-words")
    assert re.search(r"80 of 13.806.*top 400 fetched", words.inner_text())
    assert page.evaluate("window.jetlrp.view.shown.a.nEdges") == 400
    strongest = page.evaluate(
        "(({order, numbers}) => Array.from(order.slice(0, 20), (e) => numbers[e]))"
        "(window.jetlrp.view.shown.a)"
    )
    page.get_by_role("button", name="Fetch all edges").click()
    page.wait_for_function("window.jetlrp.view.shown.a.nEdges === 13806")
    assert page.evaluate(
        "Array.from(window.jetlrp.view.shown.a.order.slice(0, 20))"
    ) == strongest  # fmt: skip
    page.wait_for_function(
        "!document.getElementById('edges-words').textContent.includes('fetched')"
    )  # fmt: skip
    page.get_by_role("button", name="Fetch all edges").wait_for(state="hidden")
    still(page)


def test_the_service_is_asked_for_the_strongest_edges(service, monkeypatch):
    monkeypatch.setattr(explaining, "MANY_EDGES", 1000)
    for whole, wanted in ((False, explaining.TOP_EDGES), (True, None)):
        explained(service.client(), 1, "margin", "gamma", [], [], whole=whole)
        asked = [body for _, path, body in service.requests if path.endswith("/explanation")][-1]
        assert asked.get("top_edges") == wanted, json.dumps(asked)
