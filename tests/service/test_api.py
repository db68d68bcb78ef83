"""The service over seeded toy jets: what it answers, and what it says when it cannot."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pytest

from lrp_core import rules
from lrp_core.explainer import explain
from lrp_core.jets import Jet, complete_graph
from lrp_core.prong_shares import Prongs, prongs
from lrp_core.service import answers
from lrp_core.service.choices import PARAMETERS
from lrp_core.service.schemas import (
    Choices,
    ErrorAnswer,
    ExplanationAnswer,
    Health,
    JetDetail,
    JetPage,
    ProngsInfo,
    TruthMatchInfo,
)
from lrp_core.truth import BHadron, Truth, TruthMatch, truth_match

API = "/api/v1"
BAD = 7
SECONDS = 60  # at most, on a busy machine


def test_health(toy: Any) -> None:
    health = Health.model_validate(toy.get(f"{API}/health").json())
    assert (health.jets.name, health.jets.n_jets) == ("toy.root", 40)
    assert (health.model.checkpoint_hash, health.model.n_columns) == ("ab12", 5)
    assert (health.scores.done, health.scores.total, health.scores.problem) == (40, 40, None)


def test_the_networks_report(toy: Any) -> None:
    report = toy.get(f"{API}/network").json()
    assert report["warnings"] == []
    assert [one["path"] for one in report["edges"]] != []
    assert {"relu", "scatter_add"} <= {one["name"] for one in report["operations"]}
    assert all(one["rule"] and one["source"] for one in report["operations"])


def test_choices_are_all_rules_with_all_their_parameters(toy: Any) -> None:
    choices = Choices.model_validate(toy.get(f"{API}/choices").json())
    assert [target.name for target in choices.targets] == ["margin", "qcd", "hbb", "margin:qcd"]
    offered = [*choices.rules, *choices.input_rules]
    assert [rule.name for rule in offered] == list(rules.RULES)
    assert [rule.name for rule in choices.input_rules] == ["flat", "w_square"]
    assert choices.input_stages == ["edge_mlp.0"]
    assert set(choices.input_stages) < set(choices.rule_stages) < set(choices.stages)
    for rule in offered:
        given = {item.name: item.default for item in rule.parameters}
        assert {"name": rule.name, **given} == rules.RULES[rule.name]().to_dict()
        assert rule.parameters[-1].choices == ["account", "spread"]
    assert {preset.name for preset in choices.presets} == {"default", "hin-lrp"}
    assert choices.defaults.target == "margin"
    assert rules.parse_rule(choices.defaults.rule_text) == rules.Gamma(1.0)


def test_every_offered_rule_can_be_asked_for_with_its_defaults(toy: Any) -> None:
    choices = toy.get(f"{API}/choices").json()
    for rule in choices["rules"]:
        wanted = {item["name"]: item["default"] for item in rule["parameters"]}
        answer = toy.explain(4, rule={"name": rule["name"], **wanted})
        assert answer["rule"] == {"name": rule["name"], **wanted}
    for preset in choices["presets"]:
        by_name, by_data = toy.explain(4, rule=preset["name"]), preset["rule"]
        assert (by_name["rule"], by_name["target"]) == (by_data, preset["target"])


def test_rules_that_do_not_look_at_their_input_are_for_stages_that_read_the_input(toy: Any) -> None:
    text = "composite(edge_mlp.0: flat(bias=account), default: gamma(gamma=0.5, bias=account))"
    answer = toy.explain(4, rule="composite(edge_mlp.0: flat, default: gamma(0.5))")
    assert answer["rule_text"] == text
    assert toy.explain(4, rule=answer["rule_text"])["rule"] == answer["rule"]
    query = {"rule": text, "target": "hbb"}
    assert toy.get(f"{API}/jets/4/explanation.json", params=query).json()["rule"] == answer["rule"]
    for rule in (
        "flat",
        {"name": "w_square"},
        "composite(node_mlp_1.0: flat, default: gamma)",
        {"name": "composite", "rules": [], "default": {"name": "flat"}},
    ):
        refused = toy.post(f"{API}/jets/4/explanation", json={"rule": rule})
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "misplaced_rule")
        assert "ask for composite(edge_mlp.0: " in refused.json()["error"]["message"]


def test_the_least_that_is_told_of_a_parameter_is_true() -> None:
    for name, parameter in PARAMETERS.items():
        if parameter.minimum is None:
            continue
        rule = next(rule for rule in rules.RULES.values() if hasattr(rule(), name))
        below = {name: parameter.minimum - 0.5}
        if name in ("alpha", "beta"):
            below = {"alpha": 0.5, "beta": -0.5}
        with pytest.raises(rules.RuleError, match="at least"):
            rule(**below)


def test_one_jet(toy: Any, toy_jets: Any) -> None:
    detail = JetDetail.model_validate(toy.get(f"{API}/jets/4").json())
    jet = toy_jets[4]
    assert (detail.jet_id, detail.label, detail.pt) == ("toy.root:4", "hbb", jet.pt)
    assert (detail.n_tracks, detail.n_edges) == (5, 20)
    np.testing.assert_array_equal(np.array(detail.tracks, np.float32), jet.tracks)
    assert detail.features == ["track_pt", "track_etarel", "track_phirel", "made_up"]
    assert [info.name for info in detail.feature_info] == detail.features
    assert detail.feature_info[0].unit == "GeV"


def test_a_simulated_jet_comes_with_its_truth(serve: Any, toy_jets: Any, toy_model: Any) -> None:
    truth = Truth([1, 0, 3, 6, 1], [1, 0, 2, 0, 2], (BHadron(1, 50.0, 0.25, -0.5),))
    jet = replace(toy_jets[4], truth=truth, eta=-0.5)

    class Simulated(type(toy_jets)):  # type: ignore[misc]
        def __getitem__(self, index: int) -> Jet:
            return jet if index == 4 else super().__getitem__(index)

    client = serve(Simulated())
    answer = client.get(f"{API}/jets/4").json()
    assert answer["eta"] == -0.5
    told = JetDetail.model_validate(answer).truth
    assert told is not None
    assert [told.origins[code] for code in told.origin] == [
        "b-hadron decay",
        "prompt",
        "V0",
        "pileup",
        "b-hadron decay",
    ]
    assert told.b == [1, 0, 2, 0, 2]
    assert answer["truth"]["b_hadrons"] == [{"b": 1, "pt": 50.0, "etarel": 0.25, "phirel": -0.5}]

    match = truth_match(explain(toy_model, jet, target="hbb"), jet)
    assert match.n_b_tracks == 3
    for encoding in ("list", "base64"):
        answer = client.explain(4, target="hbb", encoding=encoding)
        assert answer["truth_match"] == asdict(match)
        ExplanationAnswer.model_validate(answer)


def test_a_jet_that_nobody_made_has_no_truth(toy: Any) -> None:
    answer = toy.get(f"{API}/jets/4").json()
    assert answer["truth"] is answer["eta"] is None
    assert toy.explain(4)["truth_match"] is None


def test_the_wire_and_the_record_of_a_match_have_the_same_fields() -> None:
    wire, record = list(TruthMatchInfo.model_fields), [item.name for item in fields(TruthMatch)]
    assert wire == record
    assert list(ProngsInfo.model_fields) == [item.name for item in fields(Prongs)]


def test_the_list_says_what_is_wrong_with_a_jet_and_never_nan(toy: Any) -> None:
    answer = toy.get(f"{API}/jets")
    assert b"NaN" not in answer.content
    assert b"Infinity" not in answer.content
    page = JetPage.model_validate(answer.json())
    assert (page.total, page.matching, page.scores_done, len(page.jets)) == (40, 40, 40, 40)
    bad = page.jets[BAD]
    assert (bad.score, bad.pt, bad.sdmass, bad.n_tracks) == (None, None, None, 8)
    assert bad.problem == "1 value(s) are not finite"
    assert page.jets[3].label is None
    assert all(jet.problem is None for jet in page.jets if jet.index != BAD)


def test_scores_are_the_probabilities_of_the_explanations(toy: Any) -> None:
    scores = {jet["index"]: jet["score"] for jet in toy.get(f"{API}/jets").json()["jets"]}
    for index in (0, 5, 23):
        probabilities = toy.explain(index)["probabilities"]
        assert scores[index] == pytest.approx(probabilities[1], abs=1e-6)


def test_an_explanation_is_what_explain_gives(toy: Any, toy_jets: Any, toy_model: Any) -> None:
    rule = rules.Composite({"edge_mlp.*": rules.Epsilon(0.1)}, default=rules.Gamma(0.5))
    for index in (0, 1, 5, 11):
        wanted = {"target": "qcd", "rule": rule.to_dict(), "dtype": "float64", "edges": "full"}
        answer = toy.explain(index, **wanted)
        told = ExplanationAnswer.model_validate(answer)
        jet = toy_jets[index]
        ours = explain(toy_model, jet, target="qcd", rule=rule, dtype="float64")
        assert (told.jet_id, told.index, told.target) == (ours.jet_id, index, "qcd")
        assert (told.rule, told.rule_text) == (rule.to_dict(), str(rule))
        assert told.value == ours.value
        assert told.conservation_error == ours.conservation_error
        assert (told.n_tracks, told.n_edges) == (jet.n_tracks, jet.n_edges)
        for name in ("logits", "probabilities", "feature_relevance", "edge_significance"):
            np.testing.assert_array_equal(answer[name], getattr(ours, name))
        np.testing.assert_array_equal(answer["signed_edge_relevance"], ours.signed_edge_relevance)
        np.testing.assert_array_equal(
            np.array(answer["edge_relevance"]).reshape(ours.edge_relevance.shape),
            ours.edge_relevance,
        )
        np.testing.assert_array_equal(
            answer["track_relevance_sum"], ours.track_relevance.sum(axis=1)
        )
        assert [row.stage for row in told.ledger] == [row.stage for row in ours.ledger]
        totals = answer["totals"]
        assert totals["value"] == ours.value
        assert totals["tracks"] + totals["bias"] + totals["epsilon"] == pytest.approx(
            ours.value, abs=1e-9
        )


def test_the_edges_are_told_only_where_they_are_not_all_pairs(toy: Any) -> None:
    whole, part = toy.explain(4), toy.explain(5)
    assert whole["complete_graph"]
    assert whole["edge_index"] is None
    assert not part["complete_graph"]
    assert part["edge_index"] == [[0, 1], [1, 0]]
    alone = toy.explain(0)
    assert (alone["n_edges"], alone["edge_significance"]) == (0, [])


def decode(array: dict[str, Any]) -> np.ndarray[Any, Any]:
    data = base64.b64decode(array["data"])
    return np.frombuffer(data, f"<{np.dtype(array['dtype']).str[1:]}").reshape(array["shape"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_base64_is_the_list(toy: Any, dtype: str) -> None:
    for index in (0, 5, 9):
        listed = toy.explain(index, dtype=dtype, edges="full")
        packed = toy.explain(index, dtype=dtype, edges="full", encoding="base64")
        model = ExplanationAnswer.model_validate(packed)
        arrays = [
            name for name, value in packed.items() if isinstance(value, dict) and "data" in value
        ]
        assert {"edge_relevance", "feature_relevance", "edge_significance"} <= set(arrays)
        for name in arrays:
            values = decode(packed[name])
            assert values.dtype == (
                "float64" if name in ("logits", "probabilities") else dtype
            ) or (name == "edge_index")
            np.testing.assert_array_equal(
                np.array(listed[name]).reshape(values.shape).astype(values.dtype), values
            )
            np.testing.assert_array_equal(getattr(model, name).numpy(), values)


@pytest.mark.parametrize("encoding", ["list", "base64"])
def test_the_most_significant_edges_only(toy: Any, encoding: str) -> None:
    for index, n_edges in ((11, 132), (5, 2)):
        whole = toy.explain(index, edges="full")
        order = np.argsort(-np.array(whole["edge_significance"]), kind="stable")
        for k in (1, 7, 1000):
            wanted = {"top_edges": k, "edges": "full", "encoding": encoding}
            told = ExplanationAnswer.model_validate(toy.explain(index, **wanted))
            held = {
                name: np.asarray(value if isinstance(value, list) else value.numpy())
                for name in ("edge_numbers", "edge_significance", "edge_relevance", "edge_index")
                if (value := getattr(told, name)) is not None
            }
            assert (told.n_edges, told.complete_graph) == (n_edges, index == 11)
            np.testing.assert_array_equal(held["edge_numbers"], order[:k])
            np.testing.assert_array_equal(
                held["edge_significance"].astype(np.float32),
                np.array(whole["edge_significance"], np.float32)[order[:k]],
            )
            np.testing.assert_array_equal(
                held["edge_relevance"].astype(np.float32),
                np.array(whole["edge_relevance"], np.float32)[order[:k]],
            )
            if index == 5:
                np.testing.assert_array_equal(
                    held["edge_index"], np.array(whole["edge_index"])[:, order[:k]]
                )
            else:
                assert told.edge_index is None
    told = toy.explain(11, top_edges=1000)
    source, destination = np.divmod(told["edge_numbers"], told["n_tracks"] - 1)
    destination += destination >= source
    found = np.stack([source, destination])
    np.testing.assert_array_equal(found, complete_graph(12)[:, told["edge_numbers"]])
    assert toy.explain(11)["edge_numbers"] is None
    assert len(toy.explain(11)["edge_significance"]) == 132
    assert toy.explain(0, top_edges=5)["edge_numbers"] == []


def subjets_of(toy_jets: Any, jet: Jet) -> Any:
    """The toy jets with tracks of ``jet`` in the place of number 4."""

    class WithSubjets(type(toy_jets)):  # type: ignore[misc]
        def __getitem__(self, index: int) -> Jet:
            return jet if index == 4 else super().__getitem__(index)

    return WithSubjets()


def test_subjets_and_prongs(serve: Any, toy_jets: Any, toy_model: Any) -> None:
    jet = toy_jets[4]
    axes = np.array([[0.5, 0.25], [-0.5, 0.0]])
    tracks = jet.tracks.astype(np.float64)
    tracks[:, 1:3] *= 0.1
    distances = np.linalg.norm(tracks[:, None, 1:3] - axes, axis=2)
    jet = replace(
        jet,
        tracks=np.hstack([tracks, distances]),
        columns=(*jet.columns, "track_drsubjet1", "track_drsubjet2"),
    )
    client = serve(subjets_of(toy_jets, jet))
    detail = JetDetail.model_validate(client.get(f"{API}/jets/4").json())
    assert [subjet.number for subjet in detail.subjets] == [1, 2]
    found = [[subjet.etarel, subjet.phirel] for subjet in detail.subjets]
    np.testing.assert_allclose(found, axes, atol=1e-9)
    nearer = (distances[:, 0] <= distances[:, 1]).sum()
    assert [subjet.n_tracks for subjet in detail.subjets] == [nearer, 5 - nearer]
    for wanted in ({}, {"encoding": "base64"}, {"top_edges": 2}):
        answer = client.explain(4, target="hbb", **wanted)
        explanation = explain(toy_model, jet, target="hbb", edges="summary")
        assert answer["prongs"] == asdict(prongs(explanation, jet))
        ExplanationAnswer.model_validate(answer)


def test_a_jet_whose_subjets_nobody_knows(toy: Any) -> None:
    assert toy.get(f"{API}/jets/4").json()["subjets"] == []
    assert toy.explain(4)["prongs"] is None


def test_edge_rows_go_out_on_demand_only(toy: Any) -> None:
    assert toy.explain(4)["edge_relevance"] is None
    full = toy.explain(4, edges="full")["edge_relevance"]
    assert np.shape(full) == (20, 10)
    assert toy.explain(4)["edge_relevance"] is None


def test_the_cache_knows_all_that_an_explanation_depends_on(serve: Any, toy_jets: Any) -> None:
    client = serve(toy_jets)
    different = [
        {},
        {"target": "hbb"},
        {"rule": "gamma(1.0, bias=spread)"},
        {"rule": "gamma(1.0000000000000002)"},
        {"rule": "epsilon(0.01)"},
        {"rule": "epsilon(0.01, relative=true)"},
        {"dtype": "float64"},
    ]
    assert not any(client.explain(4, **wanted)["cached"] for wanted in different)
    assert all(client.explain(4, **wanted)["cached"] for wanted in different)
    assert not client.explain(6)["cached"]
    # the same in other words, or in another encoding
    assert client.explain(4, rule="default", target="margin:hbb", encoding="base64")["cached"]
    assert client.explain(4, rule={"name": "gamma", "bias": "account", "gamma": 1})["cached"]
    toy_jets.identity = "toy-2"
    assert not client.explain(4)["cached"]


def test_full_answers_also_serve_short_ones(serve: Any) -> None:
    client = serve()
    assert not client.explain(4, edges="full")["cached"]
    assert client.explain(4)["cached"]
    assert not client.explain(6)["cached"]
    assert not client.explain(6, edges="full")["cached"]


def test_the_cache_is_bounded_by_bytes(serve: Any) -> None:
    client = serve(cache_bytes=40_000)
    for index in range(30):
        if index != BAD:
            client.explain(index, edges="full")
        assert client.service.cache.use().nbytes <= 40_000
    assert 0 < client.service.cache.use().entries < 20
    nothing = serve(cache_bytes=0)
    assert [nothing.explain(4)["cached"] for _ in range(2)] == [False, False]


def test_many_who_ask_for_the_same_wait_for_one_computation(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, calls = threading.Event(), []

    def slow(*given: Any, **named: Any) -> Any:
        calls.append(given)
        assert go.wait(SECONDS)
        return explain(*given, **named)

    monkeypatch.setattr(answers, "explain", slow)
    client = serve()
    with ThreadPoolExecutor(10) as people:
        asked = [people.submit(client.explain, 4) for _ in range(10)]
        while not calls:
            assert not any(one.done() for one in asked)
        # meanwhile everything else is answered
        assert client.get(f"{API}/health").status_code == 200
        assert client.get(f"{API}/jets").status_code == 200
        go.set()
        values = {one.result(SECONDS)["value"] for one in asked}
    assert len(calls) == 1
    assert len(values) == 1


def test_too_much_at_once_is_refused_kindly(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    go, begun = threading.Event(), threading.Event()

    def slow(*given: Any, **named: Any) -> Any:
        begun.set()
        assert go.wait(SECONDS)
        return explain(*given, **named)

    monkeypatch.setattr(answers, "explain", slow)
    client = serve(explanations_waiting=0)
    with ThreadPoolExecutor(1) as people:
        first = people.submit(client.explain, 4)
        assert begun.wait(SECONDS)
        refused = client.post(f"{API}/jets/6/explanation", json={})
        go.set()
        assert first.result(SECONDS)["index"] == 4
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "busy"
    assert refused.headers["retry-after"] == "1"


def test_what_takes_too_long_is_told_and_is_there_later(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def slow(*given: Any, **named: Any) -> Any:
        assert go.wait(SECONDS)
        return explain(*given, **named)

    monkeypatch.setattr(answers, "explain", slow)
    client = serve(explanation_seconds=0.05)
    late = client.post(f"{API}/jets/4/explanation", json={})
    go.set()
    assert (late.status_code, late.json()["error"]["code"]) == (504, "timeout")
    assert client.service.workers.wait_until_idle(SECONDS)
    assert client.explain(4)["cached"]


JET = f"{API}/jets/4/explanation"
GAMMA = {"name": "gamma"}
BAD_REQUESTS: list[tuple[str, str, dict[str, Any], int, str, str | None]] = [
    ("GET", f"{API}/jets/40", {}, 404, "unknown_jet", None),
    ("GET", f"{API}/jets/-1", {}, 404, "unknown_jet", None),
    ("GET", f"{API}/jets/{10**30}", {}, 404, "unknown_jet", None),
    ("GET", f"{API}/jets/first", {}, 422, "invalid_request", None),
    ("GET", f"{API}/jets/{BAD}", {}, 422, "bad_jet", None),
    ("POST", f"{API}/jets/{BAD}/explanation", {"json": {}}, 422, "bad_jet", None),
    ("POST", f"{API}/jets/99/explanation", {"json": {}}, 404, "unknown_jet", None),
    ("POST", JET, {"json": {"target": "higgs"}}, 422, "unknown_target", "margin:qcd"),
    ("POST", JET, {"json": {"target": "margin:x"}}, 422, "unknown_target", "hbb"),
    ("POST", JET, {"json": {"rule": "gama(1)"}}, 422, "unknown_rule", "hin-lrp"),
    ("POST", JET, {"json": {"rule": {"gamma": 1}}}, 422, "unknown_rule", "w_square"),
    ("POST", JET, {"json": {"rule": {"name": ["gamma"]}}}, 422, "unknown_rule", "gamma"),
    ("POST", JET, {"json": {"rule": ""}}, 422, "unknown_rule", "gamma"),
    ("POST", JET, {"json": {"rule": "gamma(1.0"}}, 422, "invalid_rule", None),
    ("POST", JET, {"json": {"rule": "gamma(__import__('os'))"}}, 422, "invalid_rule", None),
    ("POST", JET, {"json": {"rule": GAMMA | {"gama": 1}}}, 422, "invalid_rule", "gamma"),
    ("POST", JET, {"json": {"rule": GAMMA | {"gamma": -1}}}, 422, "invalid_rule", None),
    ("POST", JET, {"json": {"rule": GAMMA | {"gamma": "1"}}}, 422, "invalid_rule", None),
    ("POST", JET, {"json": {"rule": GAMMA | {"gamma": None}}}, 422, "invalid_rule", None),
    ("POST", JET, {"json": {"rule": GAMMA | {"bias": "x"}}}, 422, "invalid_rule", "spread"),
    ("POST", JET, {"json": {"rule": GAMMA | {"bias": []}}}, 422, "invalid_rule", "spread"),
    (
        "POST",
        JET,
        {"content": b'{"rule": {"name": "gamma", "gamma": NaN}}'},
        422,
        "invalid_rule",
        None,
    ),
    (
        "POST",
        JET,
        {"content": b'{"rule": {"name": "gamma", "gamma": 1e999}}'},
        422,
        "invalid_rule",
        None,
    ),
    ("POST", JET, {"json": {"rule": {"name": "composite", "rules": 3}}}, 422, "invalid_rule", None),
    (
        "POST",
        JET,
        {"json": {"rule": {"name": "composite", "rules": [["nix.*", GAMMA]]}}},
        422,
        "invalid_rule",
        None,
    ),
    ("POST", JET, {"json": {"dtype": "float16"}}, 422, "invalid_request", "float64"),
    ("POST", JET, {"json": {"edges": "all"}}, 422, "invalid_request", "full"),
    ("POST", JET, {"json": {"encoding": "hex"}}, 422, "invalid_request", "base64"),
    ("POST", JET, {"json": {"top_edges": 0}}, 422, "invalid_request", None),
    ("POST", JET, {"json": {"top_edges": -3}}, 422, "invalid_request", None),
    ("POST", JET, {"json": {"top_edges": 2.5}}, 422, "invalid_request", None),
    ("POST", JET, {"content": b'{"top_edges": NaN}'}, 422, "invalid_request", None),
    ("POST", JET, {"json": {"traget": "hbb"}}, 422, "invalid_request", None),
    ("POST", JET, {"json": []}, 422, "invalid_request", None),
    ("POST", JET, {"content": b"{not json"}, 422, "invalid_json", None),
    ("POST", JET, {}, 422, "invalid_request", None),
    ("POST", f"{JET}/edge", {"json": {"edge": 20}}, 422, "unknown_edge", None),
    ("POST", f"{JET}/edge", {"json": {"edge": -1}}, 422, "unknown_edge", None),
    ("POST", f"{JET}/edge", {"json": {"edge": 10**30}}, 422, "unknown_edge", None),
    ("POST", f"{API}/jets/0/explanation/edge", {"json": {"edge": 0}}, 422, "unknown_edge", None),
    ("POST", f"{JET}/edge", {"json": {}}, 422, "invalid_request", None),
    ("POST", f"{JET}/edge", {"json": {"edge": None}}, 422, "invalid_request", None),
    ("POST", f"{JET}/edge", {"json": {"edge": 1.5}}, 422, "invalid_request", None),
    ("POST", f"{JET}/edge", {"content": b'{"edge": NaN}'}, 422, "invalid_request", None),
    ("POST", f"{JET}/edge", {"json": {"edge": 0, "top": 1}}, 422, "invalid_request", None),
    ("POST", f"{JET}/edge", {"json": {"edge": 0, "rule": "x"}}, 422, "unknown_rule", "gamma"),
    ("POST", f"{API}/jets/40/explanation/edge", {"json": {"edge": 0}}, 404, "unknown_jet", None),
    ("POST", f"{API}/jets/{BAD}/explanation/edge", {"json": {"edge": 0}}, 422, "bad_jet", None),
    ("GET", f"{JET}.json?rule=gama", {}, 422, "unknown_rule", "gamma"),
    ("GET", f"{JET}.json?rule=gamma(gamma=nan)", {}, 422, "invalid_rule", None),
    ("GET", f"{JET}.json?rule={{}}", {}, 422, "invalid_rule", None),
    ("GET", f"{JET}.npz?target=higgs", {}, 422, "unknown_target", "hbb"),
    ("GET", f"{JET}.npz?dtype=float16", {}, 422, "invalid_request", "float64"),
    ("GET", f"{JET}/tracks.csv?traget=hbb", {}, 422, "invalid_request", None),
    ("GET", f"{JET}/edges.txt", {}, 404, "not_found", None),
    ("GET", f"{JET}.pickle", {}, 404, "not_found", None),
    ("GET", f"{API}/jets/99/explanation.npz", {}, 404, "unknown_jet", None),
    ("GET", f"{API}/jets/{BAD}/explanation/tracks.csv", {}, 422, "bad_jet", None),
    ("GET", f"{API}/jets/pick", {}, 422, "invalid_request", None),
    ("GET", f"{API}/jets/pick?kind=top", {}, 422, "invalid_request", "undecided"),
    ("GET", f"{API}/jets/pick?kind=undecided&seed=-1", {}, 422, "invalid_request", None),
    ("GET", f"{API}/jets/pick?kind=undecided&seed=nan", {}, 422, "invalid_request", None),
    ("GET", f"{API}/jets/pick?kind=undecided&exclude=x", {}, 422, "invalid_request", None),
    ("GET", f"{API}/jets/pick?kind=undecided&label=hbb", {}, 422, "invalid_request", None),
    ("GET", f"{API}/jets/pick?kind=confident_signal", {}, 404, "no_such_jet", None),
    ("GET", f"{API}/jets?min_index=nan", {}, 422, "invalid_request", None),
    ("GET", f"{API}/jets?max_index=1.5", {}, 422, "invalid_request", None),
    ("GET", f"{API}/jets?sort=mass", {}, 422, "invalid_request", "-sdmass"),
    ("GET", f"{API}/jets?label=top", {}, 422, "invalid_request", "none"),
    ("GET", f"{API}/jets?limit=0", {}, 422, "invalid_request", None),
    ("GET", f"{API}/jets?offset=-1", {}, 422, "invalid_request", None),
    ("GET", f"{API}/jets?min_pt=nan", {}, 422, "invalid_request", None),
    ("GET", f"{API}/jets?max_pt=inf", {}, 422, "invalid_request", None),
    ("GET", f"{API}/jets?minpt=3", {}, 422, "invalid_request", None),
    ("DELETE", f"{API}/jets/4", {}, 405, "method_not_allowed", None),
    ("GET", JET, {}, 405, "method_not_allowed", None),
    ("GET", f"{API}/nothing", {}, 404, "not_found", None),
    ("GET", "/api", {}, 404, "not_found", None),
    ("GET", "/api/v2/jets", {}, 404, "not_found", None),
    ("GET", "/docs/files/nothing.js", {}, 404, "not_found", None),
    ("GET", "/docs/files/../main.py", {}, 404, "not_found", None),
    ("GET", "/docs/files/%2e%2e/main.py", {}, 404, "not_found", None),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "choice"),
    BAD_REQUESTS,
    ids=[f"{case[4]}-{number}" for number, case in enumerate(BAD_REQUESTS)],
)
def test_one_shape_for_everything_that_is_wrong(
    toy: Any,
    method: str,
    path: str,
    body: dict[str, Any],
    status: int,
    code: str,
    choice: str | None,
) -> None:
    if "content" in body:
        body = {**body, "headers": {"content-type": "application/json"}}
    answer = toy.request(method, path, **body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error"}
    error = ErrorAnswer.model_validate(answer.json()).error
    assert error.code == code
    assert error.message
    assert error.request_id == answer.headers["x-request-id"]
    if choice is None:
        assert error.choices is None
    else:
        assert error.choices is not None
        assert choice in error.choices


def test_what_nobody_expected_hides_its_trace_and_is_in_the_log(
    serve: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*given: Any, **named: Any) -> Any:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(answers, "explain", broken)
    client = serve()
    with caplog.at_level(logging.ERROR, "jetlrp.service"):
        answer = client.post(JET, json={}, headers={"X-Request-ID": "mine-7"})
    assert answer.status_code == 500
    error = answer.json()["error"]
    assert (error["code"], error["request_id"]) == ("internal_error", "mine-7")
    assert answer.headers["x-request-id"] == "mine-7"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert "mine-7" in caplog.text
    assert "ZeroDivisionError: secret detail" in caplog.text
    assert client.get(f"{API}/health").status_code == 200


def test_numbers_that_are_not_finite_leave_as_null_with_the_problem(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*given: Any, **named: Any) -> Any:
        explanation = explain(*given, **named)
        significance = explanation.edge_significance.copy()
        significance[0] = np.nan
        return replace(explanation, edge_significance=significance, value=float("inf"))

    monkeypatch.setattr(answers, "explain", odd)
    answer = serve().post(JET, json={})
    assert answer.status_code == 200
    told = json.loads(answer.content, parse_constant=pytest.fail)
    assert told["edge_significance"][0] is None
    assert told["value"] is None
    assert told["problem"].startswith("not finite")
    assert "edge_significance" in told["problem"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-1.2_X", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("ä", False)],
)
def test_a_request_id_is_kept_if_it_is_fit_to_be_logged(toy: Any, given: str, kept: bool) -> None:
    answer = toy.get(f"{API}/health", headers={"X-Request-ID": given.encode("utf-8")})
    assert (answer.headers["x-request-id"] == given) is kept
    assert answer.headers["x-request-id"]


def test_answers_travel_compressed_for_those_who_take_it(toy: Any) -> None:
    small = toy.get(f"{API}/choices", headers={"Accept-Encoding": "gzip"})
    plain = toy.get(f"{API}/choices", headers={"Accept-Encoding": "identity"})
    assert small.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(small.headers["content-length"]) < len(plain.content) / 2
    assert small.json() == plain.json()
    assert gzip.compress(plain.content)  # the client unpacked what it was given


def test_the_documentation_asks_no_other_host(toy: Any) -> None:
    page = toy.get("/docs")
    assert page.status_code == 200
    for foreign in ("http://", "https://", '"//', "cdn.", "validator.swagger"):
        assert foreign not in page.text
    assert '"validatorUrl": null' in page.text
    for file in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
        assert f"docs/files/{file}" in page.text
        assert toy.get(f"/docs/files/{file}").status_code == 200
    described = toy.get("/openapi.json").json()
    assert set(described["paths"]) == {
        f"{API}/health",
        f"{API}/network",
        f"{API}/choices",
        f"{API}/jets/{{index}}/pictures/{{name}}",
        f"{API}/jets/{{index}}/comparison",
        f"{API}/cameras",
        f"{API}/network",
        f"{API}/library",
        f"{API}/jets/{{index}}/figures/{{name}}.{{ending}}",
        f"{API}/jets/{{index}}/figures/{{name}}/parts",
        f"{API}/uploads",
        f"{API}/uploads/{{name}}",
        f"{API}/jets",
        f"{API}/jets/{{index}}",
        f"{API}/jets/pick",
        f"{API}/jets/{{index}}/explanation",
        f"{API}/jets/{{index}}/explanation/edge",
        f"{API}/jets/{{index}}/explanation.json",
        f"{API}/jets/{{index}}/explanation.npz",
        f"{API}/jets/{{index}}/explanation/tracks.csv",
        f"{API}/jets/{{index}}/explanation/edges.csv",
    }
    for path, methods in described["paths"].items():
        for method in methods.values():
            assert method["description"], f"{path} says nothing of itself"
    assert "ErrorAnswer" in json.dumps(described["paths"][f"{API}/jets"])
