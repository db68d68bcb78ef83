"""The service over the real CMS jets and the network that others trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lrp_core.explanation import load_explanation
from lrp_core.service.schemas import (
    EdgeAnswer,
    ExplanationAnswer,
    Health,
    JetDetail,
    JetPage,
    JetRow,
)

API = "/api/v1"


def test_health(cms: Any) -> None:
    health = Health.model_validate(cms.get(f"{API}/health").json())
    assert (health.jets.n_jets, health.model.n_columns) == (917, 48)
    assert health.model.classes == ["qcd", "hbb"]


def test_scores_are_the_networks_own(cms: Any, cms_data: Path) -> None:
    page = JetPage.model_validate(cms.get(f"{API}/jets?limit=1000").json())
    assert (page.matching, page.scores_done) == (917, 917)
    logits = np.load(cms_data / "hin_logits.npz")["logits"]
    wanted = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    scores = np.array([jet.score for jet in page.jets], float)
    np.testing.assert_allclose(scores, wanted, atol=1e-5)
    signal = np.array([jet.label == "hbb" for jet in page.jets])
    ranks = pd.Series(scores).rank().to_numpy()
    n_signal = int(signal.sum())
    area = (ranks[signal].sum() - n_signal * (n_signal + 1) / 2) / (n_signal * (~signal).sum())
    assert round(area, 5) == 0.98990


def test_filters_and_order_against_pandas(cms: Any) -> None:
    table = cms.service.jets.summary()
    chosen = table[(table.label == "hbb") & (table.pt >= 400) & (table.n_tracks <= 30)]
    wanted = chosen.sort_values("sdmass", ascending=False, kind="stable")["index"]
    query = "label=hbb&min_pt=400&max_n_tracks=30&sort=-sdmass&limit=1000"
    page = JetPage.model_validate(cms.get(f"{API}/jets?{query}").json())
    assert 0 < page.matching < 917
    assert [jet.index for jet in page.jets] == wanted.tolist()


def test_a_jet_and_its_explanation_fit_together(cms: Any) -> None:
    jet = JetDetail.model_validate(cms.get(f"{API}/jets/12").json())
    told = ExplanationAnswer.model_validate(cms.explain(12))
    assert (told.jet_id, told.n_tracks, told.n_edges) == (jet.jet_id, jet.n_tracks, jet.n_edges)
    assert jet.jet_id == "hbb_jets.root:12"
    assert (len(told.columns), len(told.features)) == (48, 45)
    assert told.complete_graph
    significance = np.array(told.edge_significance, float)
    assert significance.sum() == pytest.approx(1, abs=1e-5)
    assert significance.min() >= 0
    assert told.conservation_error is not None
    assert told.conservation_error < 1e-4


@pytest.mark.parametrize(("rule", "target"), [("eps", "epsilon(0.01)"), ("lrp0", "zero")])
def test_edge_rows_against_the_independent_reference(
    cms: Any, cms_data: Path, rule: str, target: str
) -> None:
    reference = np.load(cms_data / "reference_relevance.npz")
    index = next(int(key[3:].split("_")[0]) for key in reference.files)
    told = ExplanationAnswer.model_validate(
        cms.explain(
            index, target="hbb", rule=target, dtype="float64", edges="full", encoding="base64"
        )
    )
    edges = reference[f"jet{index}_edge_index"]
    n = told.n_tracks
    place = {(i, j): i * (n - 1) + j - (j > i) for i in range(n) for j in range(n) if i != j}
    order = [place[int(i), int(j)] for i, j in edges.T]
    rows = told.edge_relevance.numpy()[order]  # type: ignore[union-attr]
    wanted = reference[f"jet{index}_{rule}_edge"]
    np.testing.assert_allclose(rows, wanted, rtol=1e-8, atol=1e-8 * np.abs(wanted).max())
    np.testing.assert_allclose(
        told.edge_significance.numpy()[order],  # type: ignore[union-attr]
        reference[f"jet{index}_{rule}_significance"],
        rtol=1e-8,
    )


def test_the_subjets_and_the_top_edges_of_real_jets(cms: Any) -> None:
    for index in (12, 300):
        jet = JetDetail.model_validate(cms.get(f"{API}/jets/{index}").json())
        assert [subjet.number for subjet in jet.subjets] == [1, 2]
        told = ExplanationAnswer.model_validate(cms.explain(index, top_edges=10))
        assert told.prongs is not None
        assert (told.prongs.n_1, told.prongs.n_2) == tuple(s.n_tracks for s in jet.subjets)
        assert told.prongs.within + told.prongs.between == pytest.approx(1)
        whole = ExplanationAnswer.model_validate(cms.explain(index))
        assert told.edge_significance == sorted(whole.edge_significance, reverse=True)[:10]
        assert told.n_edges == whole.n_edges == jet.n_edges


def test_the_edge_that_matters_most(cms: Any) -> None:
    for index in (12, 300):
        told = ExplanationAnswer.model_validate(cms.explain(index, top_edges=1, dtype="float64"))
        wanted = {"edge": told.edge_numbers[0], "dtype": "float64"}
        answer = cms.post(f"{API}/jets/{index}/explanation/edge", json=wanted)
        edge = EdgeAnswer.model_validate(answer.json())
        assert (edge.rank, edge.n_edges) == (1, told.n_edges)
        assert edge.significance == told.edge_significance[0]
        assert edge.signed_relevance == pytest.approx(told.signed_edge_relevance[0], rel=1e-12)
        assert edge.features == told.features
        assert len(edge.source_relevance) == len(edge.destination_relevance) == 45
        both = sum(edge.source_relevance) + sum(edge.destination_relevance)
        assert both == pytest.approx(edge.signed_relevance, rel=1e-9)


def test_files_of_a_real_jet(cms: Any, tmp_path: Path) -> None:
    told = cms.explain(12, dtype="float64")
    for ending in (".npz", ".json"):
        answer = cms.get(f"{API}/jets/12/explanation{ending}?dtype=float64")
        (tmp_path / f"a{ending}").write_bytes(answer.content)
        found = load_explanation(tmp_path / f"a{ending}")
        assert (found.jet_id, found.target) == ("hbb_jets.root:12", "margin")
        np.testing.assert_array_equal(found.edge_significance, told["edge_significance"])
        assert found.conservation_error < 1e-12
        assert 'filename="hbb_jets_12_margin_gamma-' in answer.headers["content-disposition"]
    tracks = cms.get(f"{API}/jets/12/explanation/tracks.csv").text.splitlines()
    edges = cms.get(f"{API}/jets/12/explanation/edges.csv").text.splitlines()
    assert (len(tracks), len(tracks[0].split(","))) == (1 + told["n_tracks"], 5 + 2 * 45)
    assert len(edges) == 1 + told["n_edges"]


def test_there_is_a_real_jet_of_every_kind(cms: Any) -> None:
    for choice in cms.get(f"{API}/choices").json()["picks"]:
        row = JetRow.model_validate(cms.get(f"{API}/jets/pick?kind={choice['name']}").json())
        assert row.score is not None
        if choice["name"] == "background_as_signal":
            assert (row.label, row.score >= 0.5) == ("qcd", True)


def test_the_largest_jet_leaves_as_little_as_can_be(cms: Any) -> None:
    largest = int(cms.service.jets.summary().n_tracks.idxmax())
    answer = cms.post(f"{API}/jets/{largest}/explanation", json={"encoding": "base64"})
    assert int(answer.headers["content-length"]) < 200_000
    assert answer.json()["n_tracks"] == 118
