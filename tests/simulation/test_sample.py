"""A sample as it is written: its branches, its relations, and that a seed makes it again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import lrp_core
from lrp_core.features import FEATURES
from lrp_core.simulation import content_hash, simulate
from lrp_core.simulation.jet_file import PROVENANCE, TREE
from lrp_core.truth import Origin


@pytest.fixture(scope="module")
def arrays(sample_file: Path) -> dict[str, np.ndarray]:
    """Branch -> values; tracks of all jets one after the other."""
    import awkward as ak
    import uproot

    with uproot.open(sample_file) as file:
        read = file[TREE].arrays()
    flat = {}
    for name in read.fields:
        values = read[name]
        flat[name] = ak.to_numpy(ak.flatten(values) if values.ndim > 1 else values)
    flat["counts"] = ak.to_numpy(ak.num(read["track_pt"]))
    flat["jet"] = np.repeat(np.arange(len(flat["counts"])), flat["counts"])
    return flat


POOL_EVENTS = 100  # as the fixture has it


def test_it_reads_as_jets(sample_file: Path) -> None:
    jets = lrp_core.open_jets(sample_file)
    assert len(jets) == 20
    assert set(jets.features) == set(FEATURES)
    assert sorted(jet.label for jet in jets) == ["hbb"] * 10 + ["qcd"] * 10
    assert all(jet.truth is not None for jet in jets)
    assert sum(len(jet.truth.b_hadrons) for jet in jets if jet.label == "hbb") >= 14


def test_all_features_are_there_and_finite(arrays: dict[str, np.ndarray]) -> None:
    assert set(FEATURES) <= set(arrays)
    for name, values in arrays.items():
        assert np.isfinite(values).all(), name


def test_no_jet_without_tracks(arrays: dict[str, np.ndarray]) -> None:
    assert arrays["counts"].min() >= 3
    assert (arrays["fj_pt"] > 200).all()
    assert (arrays["fj_pt"] < 5000).all()
    assert (np.abs(arrays["fj_eta"]) < 2.4).all()


def test_one_label_for_every_jet(arrays: dict[str, np.ndarray]) -> None:
    labels = [name for name in arrays if name.startswith("label_")]
    assert sum(arrays[name] for name in labels).tolist() == [1] * 20
    assert (arrays["sample_isQCD"] == 1 - arrays["label_H_bb"]).all()


def test_relations_between_features_hold(arrays: dict[str, np.ndarray]) -> None:
    a = {k: v.astype(np.float64) for k, v in arrays.items()}
    close = {"rtol": 3e-5, "atol": 1e-7}
    momentum = a["track_pt"] * np.cosh(a["trackBTag_Eta"])
    np.testing.assert_allclose(a["trackBTag_Momentum"], np.minimum(momentum, 1000), **close)
    np.testing.assert_allclose(a["trackBTag_PPar"], momentum * a["trackBTag_PParRatio"], **close)
    np.testing.assert_allclose(
        a["trackBTag_PtRel"], np.minimum(momentum * a["trackBTag_PtRatio"], 4), **close
    )
    np.testing.assert_allclose(
        a["trackBTag_PtRatio"] ** 2 + a["trackBTag_PParRatio"] ** 2, 1, rtol=1e-5
    )
    np.testing.assert_allclose(
        a["track_dxysig"],
        np.clip(a["track_dxy"] / np.sqrt(a["track_dxydxy"]), -2000, 2000),
        rtol=1e-4,
    )
    known = a["track_dzdz"] > 0
    significance = a["track_dz"][known] / np.sqrt(a["track_dzdz"][known])
    np.testing.assert_allclose(
        a["track_dzsig"][known], np.clip(significance, -2000, 2000), rtol=1e-4
    )
    assert (a["track_dzsig"][~known] == 0).all()
    np.testing.assert_array_equal(a["track_deltaR"], a["trackBTag_DeltaR"])
    np.testing.assert_allclose(
        np.hypot(a["track_etarel"], a["track_phirel"]), a["track_deltaR"], rtol=1e-4, atol=1e-6
    )
    jet_pt, jet_eta = a["fj_pt"][arrays["jet"]], a["fj_eta"][arrays["jet"]]
    np.testing.assert_allclose(a["track_ptrel"], a["track_pt"] / jet_pt, rtol=1e-5)
    np.testing.assert_allclose(
        a["track_etarel"],
        np.sign(jet_eta) * (a["trackBTag_Eta"] - jet_eta),
        rtol=1e-3,
        atol=1e-5,
    )


def test_ranges_and_clips(arrays: dict[str, np.ndarray]) -> None:
    assert arrays["track_pt"].min() > 0.95
    assert arrays["trackBTag_Sip2dVal"].min() >= -1
    assert arrays["trackBTag_Sip3dSig"].min() >= -1
    assert arrays["trackBTag_JetDistVal"].max() <= 0
    assert -0.8 <= arrays["track_drminsv"].min() <= arrays["track_drminsv"].max() <= 0
    assert (arrays["track_dlambdadz"] < 0).all()
    assert (arrays["track_dphidxy"] < 0).all()
    assert set(np.unique(arrays["track_fromPV"])) <= {1, 2, 3}
    assert set(np.unique(arrays["track_VTX_ass"])) <= {0, 1, 4, 5, 6, 7}
    assert set(np.unique(arrays["track_lostInnerHits"])) <= {-1, 0, 1, 2}
    assert set(np.unique(arrays["track_quality"])) <= {1, 5}
    used = arrays["track_fromPV"] == 3
    near = np.abs(arrays["track_dz"]) < 0.3
    np.testing.assert_array_equal(arrays["track_puppiw"] == 1, used | near)


def test_tracks_stand_in_order_of_their_impact(arrays: dict[str, np.ndarray]) -> None:
    value, jet = arrays["trackBTag_Sip2dSig"], arrays["jet"]
    same = jet[1:] == jet[:-1]
    assert (np.diff(value)[same] <= 0).all()


def test_truth_of_tracks_and_jets(arrays: dict[str, np.ndarray]) -> None:
    origin, which = arrays["track_truth_origin"], arrays["track_truth_b"]
    assert set(np.unique(origin)) <= {int(one) for one in Origin}
    assert set(np.unique(which)) <= {0, 1, 2}
    assert (which[np.isin(origin, (Origin.PROMPT, Origin.PILEUP, Origin.FAKE))] == 0).all()
    signal = arrays["label_H_bb"] == 1
    of_signal = signal[arrays["jet"]]
    share = (origin == Origin.B_HADRON).astype(float)
    assert share[of_signal].mean() > 0.12 > share[~of_signal].mean()
    assert (arrays["fj_truth_n_b"][signal] >= 2).mean() > 0.7
    for b in ("b1", "b2"):
        there = arrays[f"fj_truth_{b}_pt"] > 0
        distance = np.hypot(arrays[f"fj_truth_{b}_etarel"], arrays[f"fj_truth_{b}_phirel"])
        assert (distance[there] < 0.8).all()
        assert (arrays[f"fj_truth_{b}_pt"][~there] == -1).all()
        assert (distance[~there] == 0).all()
    # a track of a b-hadron lies near it: nearer to its own than to the other, mostly
    rows = np.flatnonzero((which > 0) & (arrays["fj_truth_b2_pt"][arrays["jet"]] > 0))
    jet = arrays["jet"][rows]
    to = [
        np.hypot(
            arrays["track_etarel"][rows] - arrays[f"fj_truth_{b}_etarel"][jet],
            arrays["track_phirel"][rows] - arrays[f"fj_truth_{b}_phirel"][jet],
        )
        for b in ("b1", "b2")
    ]
    own = np.where(which[rows] == 1, to[0], to[1])
    other = np.where(which[rows] == 1, to[1], to[0])
    assert (own < other).mean() > 0.8


def test_jets_of_one_event_bear_its_number(arrays: dict[str, np.ndarray]) -> None:
    assert arrays["event"].min() >= 0
    assert len(np.unique(arrays["event"])) > 10


def test_a_seed_gives_the_same_arrays_with_two_processes(sample_file: Path, tmp_path: Path) -> None:
    again = simulate(10, 10, 5, tmp_path / "again.root", processes=2, pool_events=POOL_EVENTS)
    assert again.content_hash == content_hash(sample_file)


def test_another_seed_gives_other_arrays(sample_file: Path, tmp_path: Path) -> None:
    other = simulate(2, 0, 6, tmp_path / "other.root", pool_events=20)
    assert (other.n_signal, other.n_background) == (2, 0)
    assert other.content_hash != content_hash(sample_file)


def test_the_file_says_how_it_was_made(sample_file: Path) -> None:
    import uproot

    with uproot.open(sample_file) as file:
        assert file[TREE].classname == "TTree"
        told = json.loads(file[PROVENANCE])
    assert told["seed"] == 5
    assert told["complete"] is True
    assert "parametrised CMS-like tracker" in told["title"]
    assert set(told["versions"]) >= {"pythia8mc", "fastjet", "numpy"}
