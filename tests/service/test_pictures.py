"""Pictures over HTTP: of the question and the room that were sent, cheap, refused in one shape."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

PATH = "/api/v1/jets/11/pictures/"
ASKED = {"target": "qcd", "rule": "epsilon(0.01)"}


def test_a_picture_is_of_its_question_and_its_room(toy):
    said = toy.post("/api/v1/jets/11/explanation", json=ASKED).json()
    room = {"width": 640, "height": 240.5, "font": 13, "theme": "light"}
    answer = toy.get(f"{PATH}river", params={**ASKED, **room})
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert (made["name"], made["width"], made["height"]) == ("river", 640, 240.5)
    svg = ET.fromstring(made["svg"])
    assert svg.get("viewBox") == "0 0 640 240.5"
    assert svg.get("aria-label") == made["label"]
    assert "QCD" in made["label"]
    ids = {one.get("data-id") for one in svg.iter()} - {None}
    assert ids == set(made["parts"])
    # the words are those of the explanation that was sent
    assert made["facts"] == {key: said["balance"][key] for key in ("state", "text", "detail")}
    row = next(row for row in said["ledger"] if row["stage"] == "pool")
    (passed,) = row["passed"]
    flow = made["parts"][passed]["lines"][0]
    assert flow[0] == "relevance"
    assert float(flow[1].replace("−", "-")) == pytest.approx(row["passed"][passed], rel=5e-3)
    dark = toy.get(f"{PATH}river", params={**ASKED, **room, "theme": "dark"}).json()
    assert dark["svg"] != made["svg"]
    assert dark["parts"] == made["parts"]
    again = toy.get(f"{PATH}river", params={"view": "?target=qcd&rule=epsilon(0.01)", **room})
    assert again.json() == made, "the view names the question where the address does not"


def test_a_picture_costs_no_second_explanation(toy):
    toy.post("/api/v1/jets/11/explanation", json=ASKED)
    before = toy.app.state.service.cache.use()
    for width in (300, 400):
        assert toy.get(f"{PATH}river", params={**ASKED, "width": width}).is_success
    after = toy.app.state.service.cache.use()
    assert after.misses == before.misses
    assert after.entries == before.entries


@pytest.mark.parametrize(
    ("name", "query", "code", "says"),
    [
        ("lake", {}, "invalid_request", "river"),
        ("river", {"width": 0}, "invalid_request", "width"),
        ("river", {"height": "nan"}, "invalid_request", "height"),
        ("river", {"font": 1e9}, "invalid_request", "font"),
        ("river", {"colour": "red"}, "invalid_request", "colour"),
        ("river", {"view": "?jet=3"}, "bad_figure", "the view is of jet 3"),
        ("river", {"target": "top"}, "unknown_target", "top"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(toy, name, query, code, says):
    answer = toy.get(f"{PATH}{name}", params=query)
    assert 400 <= answer.status_code < 500
    error = answer.json()["error"]
    assert error["code"] == code, error
    assert says in error["message"] + str(error["choices"])
