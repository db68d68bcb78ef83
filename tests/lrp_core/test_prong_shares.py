"""Prongs: shares of significance within and between subjets, by hand and on real jets."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrp_core
from lrp_core.errors import JetError
from lrp_core.explainer import explain
from lrp_core.explanation import Explanation, Ledger
from lrp_core.jets import Jet
from lrp_core.prong_shares import prongs
from lrp_core.rules import Gamma

NAMES = ("track_drsubjet1", "track_drsubjet2")
# Tracks 0 and 1 are of subjet 1, track 2 of subjet 2, track 3 of neither.
DISTANCES = [[0.1, 0.5], [0.2, 0.2], [0.7, 0.3], [-1.0, -1.0]]
EDGES = [[0, 1, 0, 2, 3, 2], [1, 0, 2, 1, 0, 3]]
SIGNIFICANCE = [0.1, 0.2, 0.3, 0.15, 0.05, 0.2]
SIGNED = [1.0, -2.0, 4.0, 8.0, 16.0, 32.0]


def explained(jet: Jet, significance: Any, signed: Any, tracks: Any) -> Explanation:
    rows = np.stack([np.asarray(signed, float), np.zeros(jet.n_edges)], axis=1)
    return Explanation(
        logits=np.zeros(2),
        probabilities=np.full(2, 0.5),
        classes=("qcd", "hbb"),
        target="hbb",
        rule=Gamma(1.0),
        dtype="float64",
        value=0.0,
        track_relevance=np.asarray(tracks, float),
        edge_index=jet.edge_index,
        edge_relevance=rows,
        edge_significance=np.asarray(significance, float),
        ledger=Ledger(()),
        columns=("track_pt",),
        jet_id=jet.jet_id,
        model_name="",
        checkpoint_hash="",
        version="",
    )


@pytest.fixture
def jet() -> Jet:
    return Jet.from_arrays(DISTANCES, NAMES, EDGES, jet_id="toy:0")


def test_by_hand(jet: Jet) -> None:
    tracks = [[1.0, 2.0], [0.5, 0.0], [-7.0, 1.0], [100.0, 0.0]]
    found = prongs(explained(jet, SIGNIFICANCE, SIGNED, tracks), jet)
    assert found is not None
    assert asdict(found) == pytest.approx(
        {
            "n_tracks": 4,
            "n_1": 2,
            "n_2": 1,
            "n_none": 1,
            "within_1": 0.3,
            "within_2": 0.0,
            "within": 0.3,
            "between": 0.45,
            "none": 0.25,
            "even_within_1": 2 / 6,
            "even_within_2": 0.0,
            "even_within": 2 / 6,
            "even_between": 2 / 6,
            "even_none": 2 / 6,
            "relevance_within": -1.0,
            "relevance_between": 12.0,
            "relevance_1": 3.5,
            "relevance_2": -6.0,
        }
    )


def test_spread_evenly_the_shares_are_the_even_ones(jet: Jet) -> None:
    found = prongs(explained(jet, np.full(6, 1 / 6), SIGNED, np.ones((4, 2))), jet)
    assert found is not None
    for kind in ("within_1", "within_2", "within", "between", "none"):
        assert getattr(found, kind) == pytest.approx(getattr(found, f"even_{kind}"))


def test_nothing_to_share_is_none_and_not_zero(jet: Jet) -> None:
    found = prongs(explained(jet, np.zeros(6), SIGNED, np.ones((4, 2))), jet)
    assert found is not None
    assert found.within is found.between is found.none is None
    assert found.even_within == pytest.approx(1 / 3)
    alone = replace(jet, edge_index=np.zeros((2, 0), np.int64))
    found = prongs(explained(alone, [], [], np.ones((4, 2))), alone)
    assert found is not None
    assert found.even_within is found.within is None


def test_what_is_not_finite_stays_so(jet: Jet) -> None:
    broken = [np.nan, *SIGNIFICANCE[1:]]
    found = prongs(explained(jet, broken, SIGNED, np.ones((4, 2))), jet)
    assert found is not None
    assert np.isnan([found.within, found.between, found.none]).all()


@pytest.mark.parametrize("change", ["no column", "no second", "no first"])
def test_jets_without_two_subjets(jet: Jet, change: str) -> None:
    values, names = np.array(DISTANCES), NAMES
    if change == "no column":
        names = ("track_drsubjet1", "track_pt")
        values[:, 1] = 5.0
    else:
        values[:, 1 if change == "no second" else 0] = -1
    other = Jet.from_arrays(values, names, EDGES, jet_id="toy:0")
    assert prongs(explained(other, SIGNIFICANCE, SIGNED, np.ones((4, 2))), other) is None


def test_the_explanation_of_another_jet_is_refused(jet: Jet) -> None:
    explanation = explained(jet, SIGNIFICANCE, SIGNED, np.ones((4, 2)))
    with pytest.raises(JetError, match="of toy:0 with 4 tracks and 6 edges, not of toy:1 with 4"):
        prongs(explanation, replace(jet, jet_id="toy:1"))
    with pytest.raises(JetError, match="and 5; give the jet"):
        prongs(explanation, replace(jet, edge_index=jet.edge_index[:, 1:]))


def test_the_public_name_is_the_function_whatever_was_imported_before() -> None:
    assert lrp_core.prongs is prongs


def test_on_real_jets(cms_data: Path) -> None:
    jets = lrp_core.open_jets(cms_data / "hbb_jets.root")
    model = lrp_core.load_model(cms_data / "IN.pth")
    for index in (0, 12, 300, 600):
        jet = jets[index]
        explanation = explain(model, jet, dtype="float64")
        found = prongs(explanation, jet)
        assert found is not None
        assert found.n_1 + found.n_2 + found.n_none == found.n_tracks == jet.n_tracks
        assert found.within + found.between + found.none == pytest.approx(1)
        assert found.within_1 + found.within_2 == pytest.approx(found.within)
        n = found.n_tracks * (found.n_tracks - 1)
        assert found.even_between == pytest.approx(2 * found.n_1 * found.n_2 / n)
        signed = explanation.signed_edge_relevance.sum()
        assert found.relevance_within + found.relevance_between == pytest.approx(signed)
        assert found.relevance_1 + found.relevance_2 == pytest.approx(explanation.totals.tracks)
