"""Two explanations over HTTP: beside each other in numbers, and as the figure of a difference."""

from __future__ import annotations

import pytest

from lrp_core.service.schemas import ComparisonAnswer

GAMMA = {"target": "margin", "rule": "gamma(gamma=1.0,bias=account)"}
PIN = "11~qcd~epsilon(epsilon=0.01)"
PATH = "/api/v1/jets/11/"


def test_one_jet_by_two_questions(toy):
    answer = toy.get(f"{PATH}comparison", params={**GAMMA, "pin": PIN})
    assert answer.status_code == 200, answer.text
    found = ComparisonAnswer.model_validate(answer.json())
    assert found.same_jet
    assert (found.here.index, found.here.file) == (11, "toy.root")
    assert (found.here.asked, found.pinned.asked) == ("margin H→bb̄ − QCD", "QCD logit")
    assert (found.here.rule_words, found.pinned.rule_words) == ("LRP-γ(1)", "LRP-ε(0.01)")
    said = [
        toy.post("/api/v1/jets/11/explanation", json={"target": target, "rule": rule}).json()
        for target, rule in (("margin", GAMMA["rule"]), ("qcd", "epsilon(epsilon=0.01)"))
    ]
    values = {value.name: value for value in found.values}
    for side, one in zip(("here", "pinned"), said, strict=True):
        told = {name: getattr(value, side) for name, value in values.items()}
        assert told["explained value"] == pytest.approx(one["value"])
        for name, key in (("on tracks", "tracks"), ("on biases", "bias"), ("on ε", "epsilon")):
            assert told[name] == pytest.approx(one["totals"][key], abs=1e-6)
        assert (told["tracks"], told["edges"]) == (12, 132)
    delta = [a - b for a, b in zip(*(one["edge_significance"] for one in said), strict=True)]
    assert found.edges[0].difference == pytest.approx(max(delta, key=abs), abs=1e-7)
    assert delta[found.edges[0].number] == pytest.approx(found.edges[0].difference, abs=1e-7)


def test_two_jets_and_no_second_explanation(toy):
    for index in (11, 3):
        toy.post(f"/api/v1/jets/{index}/explanation", json=GAMMA)
    before = toy.app.state.service.cache.use()
    pin = f"3~margin~{GAMMA['rule']}"
    found = toy.get(f"{PATH}comparison", params={**GAMMA, "pin": pin}).json()
    assert toy.app.state.service.cache.use().misses == before.misses
    assert not found["same_jet"]
    assert found["tracks"] is found["edges"] is None
    assert (found["here"]["label"], found["pinned"]["label"]) == ("qcd", None)


@pytest.mark.parametrize(
    ("query", "status", "code", "says"),
    [
        ({}, 422, "invalid_request", "pin"),
        ({"pin": "nothing"}, 422, "bad_figure", "pin"),
        ({"pin": "999~margin~zero"}, 404, "unknown_jet", "999"),
        ({"pin": "7~margin~zero"}, 422, "bad_jet", "finite"),
        ({"pin": "3~top~zero"}, 422, "unknown_target", "top"),
    ],
)
def test_what_cannot_be_compared_is_refused(toy, query, status, code, says):
    answer = toy.get(f"{PATH}comparison", params=query)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert says in str(error)


@pytest.mark.parametrize(
    ("view", "differs"),
    [
        (f"?pin={PIN}&difference=1", True),
        (f"?pin={PIN}", False),
        ("?pin=3~margin~zero&difference=1", False),
    ],
)
def test_the_vectors_of_a_difference(toy, view, differs):
    asked = {**GAMMA, "view": view, "fonts": False}
    svg = toy.get(f"{PATH}figures/network.svg", params=asked).text
    assert ("|Δ significance|" in svg) == differs
    assert ("minus logit of QCD, epsilon(epsilon=0.01" in svg) == differs
    says = toy.get(f"{PATH}figures/network/parts", params=asked).json()
    assert ("minus" in says["metadata"]) == differs
    assert (" · minus logit of QCD" in says["caption"]) == differs
    assert says["caption"].split(" · minus ")[-1] in svg
    river = toy.get(f"{PATH}figures/river/parts", params=asked).json()
    assert "minus" not in river["metadata"], "a river is of one explanation"
    bad = {**asked, "view": "?pin=7~margin~zero"}
    assert toy.get(f"{PATH}figures/river.svg", params=bad).is_success
    assert toy.get(f"{PATH}figures/network.svg", params=bad).json()["error"]["code"] == "bad_jet"
    for ending, start in (("pdf", b"%PDF"), ("png", b"\x89PNG")):
        assert toy.get(f"{PATH}figures/network.{ending}", params=asked).content.startswith(start)
