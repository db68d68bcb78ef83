"""One edge: told as ``explain`` tells it, and taken from what was computed once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lrp_core.explainer import explain
from lrp_core.service import answers
from lrp_core.service.edges import edge_answer
from lrp_core.service.schemas import EdgeAnswer

API = "/api/v1"


def edge_of(client: Any, index: int, edge: int, **wanted: Any) -> EdgeAnswer:
    answer = client.post(f"{API}/jets/{index}/explanation/edge", json={"edge": edge, **wanted})
    assert answer.status_code == 200, answer.text
    return EdgeAnswer.model_validate(answer.json())


@pytest.mark.parametrize(("index", "n_edges"), [(4, 20), (5, 2)])
def test_every_edge_is_the_explanations(
    toy: Any, toy_jets: Any, toy_model: Any, index: int, n_edges: int
) -> None:
    wanted = {"target": "qcd", "rule": "epsilon(0.1)", "dtype": "float64"}
    ours = explain(toy_model, toy_jets[index], **wanted)
    places = [ours.columns.index(name) for name in ours.features]
    ranks = []
    for edge in range(n_edges):
        told = edge_of(toy, index, edge, **wanted)
        assert (told.index, told.edge, told.n_edges) == (index, edge, n_edges)
        assert [told.source, told.destination] == ours.edge_index[:, edge].tolist()
        assert told.significance == ours.edge_significance[edge]
        both = sum(told.source_relevance) + sum(told.destination_relevance)
        assert both == pytest.approx(told.signed_relevance, rel=1e-12)
        assert told.signed_relevance == pytest.approx(ours.signed_edge_relevance[edge], rel=1e-12)
        assert [end.track for end in told.ends] == [told.source, told.destination]
        for end in told.ends:
            assert end.relevance == np.float32(ours.track_relevance[end.track].sum())
            assert end.pt == toy_jets[index].column("track_pt")[end.track]
        assert told.speaks == ("for QCD" if told.signed_relevance > 0 else "against QCD")
        assert told.features == ["track_pt", "track_etarel", "track_phirel", "made_up"]
        row = ours.edge_relevance[edge].reshape(2, 5)
        expected = row[:, places]
        expected[:, 0] += row[:, 3]  # track_pt stands twice
        np.testing.assert_allclose(told.source_relevance, expected[0])
        np.testing.assert_allclose(told.destination_relevance, expected[1])
        ranks.append(told.rank)
    order = toy.explain(index, **wanted, top_edges=n_edges)["edge_numbers"]
    assert [ranks[edge] for edge in order] == list(range(1, n_edges + 1))


def test_it_is_computed_once_for_all_edges(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def counted(*given: Any, **named: Any) -> Any:
        calls.append(given)
        return explain(*given, **named)

    monkeypatch.setattr(answers, "explain", counted)
    client = serve()
    for edge in range(20):
        edge_of(client, 4, edge)
    assert client.explain(4)["cached"]
    assert client.explain(4, edges="full")["cached"]
    assert client.get(f"{API}/jets/4/explanation/edges.csv").status_code == 200
    assert len(calls) == 1
    edge_of(client, 4, 0, target="qcd")
    assert len(calls) == 2

    calls.clear()
    no_room = serve(cache_bytes=0)
    told = [edge_of(no_room, 4, 3) for _ in range(2)]
    assert (told[0] == told[1], len(calls)) == (True, 2)


def test_ranks_of_equal_and_of_broken_significances(toy_jets: Any, toy_model: Any) -> None:
    explanation = explain(toy_model, toy_jets[2])
    odd = replace(explanation, edge_significance=np.array([0.1, 0.3, np.nan, 0.3, 0.1, 0.2]))
    told = [edge_answer(2, toy_jets[2], odd, edge) for edge in range(6)]
    assert [edge.rank for edge in told] == [4, 1, None, 2, 5, 3]
    assert '"significance":null' in told[2].model_dump_json()
    assert (told[0].speaks, told[0].ends) == ("", [])  # nothing can be drawn of such a jet


def test_a_network_with_an_encoder_has_other_columns(toy_jets: Any, toy_model: Any) -> None:
    explanation = explain(toy_model, toy_jets[2])
    encoded = replace(explanation, edge_relevance=np.arange(36.0).reshape(6, 6))
    told = edge_answer(2, toy_jets[2], encoded, 1)
    assert told.features == ["encoder column 0", "encoder column 1", "encoder column 2"]
    assert (told.source_relevance, told.destination_relevance) == ([6, 7, 8], [9, 10, 11])
