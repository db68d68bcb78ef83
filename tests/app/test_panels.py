"""The panels as functions: what they show for an answer, what they ask for a click."""

from __future__ import annotations

import numpy as np
import pytest
from dash import no_update

from app import ids
from app.client import ServiceError
from app.drawing import feature_sums
from app.explaining import explained
from app.panels import conservation, features, jets, prediction, question, scene, truth
from app.texts import text
from tests.app.toy_service import SHARES


def words(component) -> str:
    """All the text in a component."""
    if component is None:
        return ""
    if isinstance(component, str | int | float):
        return str(component)
    if isinstance(component, list | tuple):
        return " ".join(filter(None, map(words, component)))
    return words(getattr(component, "children", None))


def walk(component):
    """A component and all that are in it."""
    yield component
    children = getattr(component, "children", None)
    for child in children if isinstance(children, list | tuple) else [children]:
        if child is not None and not isinstance(child, str):
            yield from walk(child)


def ask(service, index=0, target="margin"):
    with service.client() as client:
        return client.jet(index), client.explain(index, target=target, rule={"name": "gamma"})


PLACES = [
    ids.rule_parameter("epsilon", "epsilon"),
    ids.rule_parameter("epsilon", "relative"),
    ids.rule_parameter("epsilon", "bias"),
    ids.rule_parameter("gamma", "gamma"),
    ids.rule_parameter("gamma", "bias"),
]
VALUES = [0.01, False, "account", 1.0, "spread"]


# jets


def test_the_grid_s_question_becomes_the_service_s():
    request = {
        "startRow": 100,
        "endRow": 200,
        "sortModel": [{"colId": "score", "sort": "desc"}],
        "filterModel": {
            "label": {"filterType": "text", "type": "equals", "filter": "hbb"},
            "pt": {"filterType": "number", "type": "inRange", "filter": 300, "filterTo": 900},
            "score": {"filterType": "number", "type": "greaterThanOrEqual", "filter": 0.5},
            "n_tracks": {"filterType": "number", "type": "lessThanOrEqual", "filter": 40},
        },
    }
    assert jets.query(request) == {
        "offset": 100,
        "limit": 100,
        "sort": "-score",
        "label": "hbb",
        "min_pt": 300,
        "max_pt": 900,
        "min_score": 0.5,
        "max_n_tracks": 40,
    }


def test_rows_come_with_how_many_match(service):
    with service.client() as client:
        page = jets.rows(client, {"startRow": 0, "endRow": 100})
        assert page["response"]["rowCount"] == 6
        assert page["response"]["rowData"][4]["problem"] == "the jet has no tracks"
        assert (page["count"], page["notice"]) == ("6 jets", "")
        filtered = {"filterModel": {"label": {"type": "equals", "filter": "hbb"}}}
        assert jets.rows(client, filtered)["count"] == "2 of 6"
        assert set(jets.rows(client, None).values()) == {no_update}


def test_no_service_empties_the_list_says_so_and_keeps_asking(service):
    service.away = True
    with service.client() as client:
        page = jets.rows(client, {"startRow": 0, "endRow": 100})
    assert page["response"] == {"rowData": [], "rowCount": 0}
    assert page["count"] == "no jets"
    assert "does not answer" in page["notice"]
    assert page["silent"] is False
    assert page["scored"] is None


def test_scores_are_followed_until_they_are_done(service):
    service.scores_done = 2
    with service.client() as client:
        said = "Scoring the jets: 2 of 6"
        assert jets.heartbeat(client, "", 0) == (said, False, 2)
        assert jets.heartbeat(client, said, 2) == (no_update, False, no_update)
        service.scores_done = 6
        assert jets.heartbeat(client, said, 2) == ("", True, 6)
        service.away = True
        assert jets.heartbeat(client, "", 6) == (no_update, False, no_update)


def test_the_number_of_the_last_jet_has_room():
    widths = [jets.columns(n_jets)[0]["minWidth"] for n_jets in (1, 917, 2_000, 1_000_000)]
    assert widths == sorted(widths)
    assert widths[2] < widths[3]


# the question


def test_only_the_chosen_rule_s_parameters_are_sent():
    rule, empty = question.rule_wanted("gamma", VALUES, PLACES)
    assert rule == {"name": "gamma", "gamma": 1.0, "bias": "spread"}
    assert empty == []


def test_a_parameter_left_empty_is_named():
    assert question.rule_wanted("epsilon", [None, *VALUES[1:]], PLACES)[1] == ["ε"]


def test_a_preset_sets_target_rule_and_parameters(service):
    with service.client() as client:
        choices = client.choices()
    target, rule, values = question.preset_values(choices, "hin-lrp", PLACES)
    assert (target, rule) == ("hbb", "epsilon")
    assert values == [1e-9, False, "account", no_update, no_update]


def test_choices_fill_the_panel(service):
    with service.client() as client:
        choices = client.choices()
    shown = words(question.layout(choices))
    assert "Favours the terms" in shown
    assert "Why H→bb̄ rather than QCD." in shown
    assert question.target_words(choices, "nobody") == ""
    assert question.rule_words(choices, "epsilon").startswith("LRP-0 with ε")


def test_the_preset_that_is_asked_is_marked(service):
    with service.client() as client:
        choices = client.choices()
    gamma = {"name": "gamma", "gamma": 1, "bias": "account"}
    epsilon = {"name": "epsilon", "epsilon": 1e-9, "relative": False, "bias": "account"}
    assert question.chips(choices, "margin", gamma) == ["chip active", "chip"]
    assert question.chips(choices, "margin", {"name": "gamma"}) == ["chip active", "chip"]
    assert question.chips(choices, "hbb", gamma) == ["chip", "chip"]
    assert question.chips(choices, "hbb", epsilon) == ["chip", "chip active"]
    assert question.chips(choices, "hbb", {**epsilon, "bias": "spread"}) == ["chip", "chip"]
    assert question.chips(choices, "hbb", {**epsilon, "epsilon": None}) == ["chip", "chip"]


# what came out


@pytest.mark.parametrize(
    ("index", "truth"), [(0, "So does its label."), (1, "Its label says QCD."), (2, "Nobody")]
)
def test_the_prediction_in_words(service, index, truth):
    shown = words(prediction.view(*ask(service, index)))
    assert "The network says  H→bb̄  with  96.8 %" in shown
    assert truth in shown
    assert "−1.10" in shown


def test_the_account_in_words_and_numbers(service):
    _, explanation = ask(service)
    tracks = explanation.totals.tracks
    assert conservation.sentence(explanation) == (
        f"Tracks {tracks:.3f} + biases −0.400 + ε 0.010 = {tracks - 0.39:.3f}, "
        "the margin of H→bb̄, explained"
    )
    view = conservation.view(explanation)
    assert "Accounted for to 1.2\u00a0×\u00a010⁻⁷" in words(view)
    assert "sound" in view[1].className


def test_a_broken_account_is_said_loudly(service):
    service.conservation_error = 0.031
    view = conservation.view(ask(service)[1])
    assert "Not accounted for: the sum is off by 3.10 %" in words(view)
    assert "broken" in view[1].className


def test_a_sum_that_is_no_number_is_said_too(service):
    service.conservation_error = None
    _, explanation = ask(service)
    view = conservation.view(explanation.model_copy(update={"problem": "bias overflowed"}))
    assert "cannot be checked: the conservation error is not finite" in words(view)
    assert "bias overflowed" in words(view)


def test_warnings_of_an_explanation_are_on_the_page(service):
    _, explanation = ask(service)
    plain = words(conservation.view(explanation))
    said = "pow (fc.pow) has no rule of its own and is linearised at this jet"
    warned = conservation.view(explanation.model_copy(update={"warnings": [said]}))
    assert said not in plain
    assert said in words(warned)


def test_the_networks_report_in_words(service):
    with service.client() as client:
        shown = words(conservation.report(client.network()))
    assert "toy.pth: 2 operations." in shown
    assert "only tracks are explained" in shown
    assert "25% of its answer goes ways that are not seen" in shown
    assert "is linearised at this jet" in shown
    assert "Linearised: Its tangent at this point." in shown


def test_the_ledger_has_a_row_per_stage(service):
    _, explanation = ask(service)
    table = words(conservation.ledger(explanation))
    assert "global_mlp.3" in table
    assert "input_norm" in table


def test_features_are_added_up_over_the_tracks(service):
    jet, explanation = ask(service)
    total = explanation.track_relevance_sum.numpy().sum()
    np.testing.assert_allclose(feature_sums(explanation), SHARES * total, rtol=1e-5)
    assert "Right speaks for H→bb̄" in words(features.view(jet, explanation))


# the truth of simulated jets


def test_the_truth_stands_beside_the_explanation(service):
    panel = truth.view(ask(service, 5)[1])
    rows = [part for part in walk(panel) if "truth-row" in (getattr(part, "className", "") or "")]
    assert [(words(row), "ours" in row.className) for row in rows] == [
        ("relevance for H→bb̄ 61.2 %", True),
        ("number of tracks 42.9 %", False),
        ("pT of the tracks 70.4 %", False),
        ("edge significance 25.0 %", True),
        ("number of edges 14.3 %", False),
        ("by relevance 0.83", True),
        ("by chance 0.55", False),
    ]
    assert rows[0].children[1].children.style == {"width": "61.20%"}
    assert "Truth of the simulation" in words(panel)
    assert "3 b-hadron tracks" in words(panel)
    assert "relevance for QCD" in words(truth.view(ask(service, 5, target="qcd")[1]))


def test_without_b_hadron_tracks_there_is_nothing_to_compare(service):
    shown = words(truth.view(ask(service, 1)[1]))
    assert "None of the 118 tracks is of a b-hadron." in shown
    assert "%" not in shown


def test_a_number_that_does_not_exist_is_a_dash(service):
    _, explanation = ask(service, 5)
    match = explanation.truth_match.model_copy(
        update={"pt_share": None, "significance_both": None, "edge_share_both": None}
    )
    shown = words(truth.view(explanation.model_copy(update={"truth_match": match})))
    assert "pT of the tracks –" in shown
    assert "number of edges –" in shown


def test_jets_without_truth_have_no_such_panel_and_no_such_choice(service):
    with service.client() as client:
        real = explained(client, 0, "margin", "gamma", VALUES, PLACES)
        simulated = explained(client, 5, "margin", "gamma", VALUES, PLACES)
    assert (real["truth"], real["stage"]) == (None, "stage is-ready")
    assert simulated["truth"] is not None
    assert simulated["stage"] == "stage is-ready has-truth"


# one callback for all


def test_a_jet_fills_every_panel(service):
    with service.client() as client:
        shown = explained(client, 0, "margin", "gamma", VALUES, PLACES)
    assert shown["stage"] == "stage is-ready"
    assert shown["data"]["jet"]["index"] == 0
    assert "26 tracks" in words(shown["title"])
    assert service.requests[-1] == (
        "POST",
        "/jets/0/explanation",
        {
            "target": "margin",
            "rule": {"name": "gamma", "gamma": 1.0, "bias": "spread"},
            "dtype": "float32",
            "edges": "summary",
            "encoding": "base64",
            "top_edges": 1,  # pictures bring their own
        },
    )


def test_no_jet_is_the_empty_state(service):
    with service.client() as client:
        shown = explained(client, None, "margin", "gamma", VALUES, PLACES)
    assert shown["stage"] == "stage is-empty"
    assert shown["data"] is None
    assert service.requests == []


@pytest.mark.parametrize(
    ("index", "said"), [(4, "the jet has no tracks"), (99, "There is no jet 99")]
)
def test_a_bad_jet_is_the_error_state_with_its_request(service, index, said):
    with service.client() as client:
        shown = explained(client, index, "margin", "gamma", VALUES, PLACES)
    assert shown["stage"] == "stage is-error"
    assert said in words(shown["error"])
    assert "req-7f3a" in words(shown["error"])
    assert f"Jet {index}" in words(shown["title"])


def test_an_empty_parameter_is_an_error_in_words(service):
    values = [None, *VALUES[1:]]
    with service.client() as client:
        shown = explained(client, 0, "margin", "epsilon", values, PLACES)
    assert "ε has no value" in words(shown["error"])
    assert service.requests == []


def test_a_service_that_went_away_is_told_apart():
    error = ServiceError("It does not answer.", code="unreachable")
    assert words(scene.failure(error, 3)[0]) == "The service is away"


@pytest.mark.parametrize("name", ["empty", "conservation", "scene", "scene_truth"])
def test_texts_are_read(name):
    assert len(words(text(name))) > 80
