"""AUC, rejections and their uncertainties, and the comparison of two samples."""

from __future__ import annotations

import numpy as np
import pytest

from lrp_core.comparison import compare, domain_auc, ks_distance
from lrp_core.errors import TrainingError
from lrp_core.evaluation import (
    auc,
    evaluate_scores,
    lines,
    measure_scores,
    rejection,
    roc,
    wilson,
)
from lrp_core.jet_arrays import JetArrays
from lrp_core.labels import KINDS


def toy(n: int = 400, seed: int = 0) -> JetArrays:
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 6, n)
    signal = np.arange(n) % 2 == 0
    kind = np.where(signal, 5, rng.integers(0, 5, n))
    tracks = rng.normal(size=(counts.sum(), 3)).astype(np.float32)
    return JetArrays(
        tracks, counts, ("a", "b", "c"), signal, kind, np.arange(n),
        rng.uniform(200, 3000, n), rng.uniform(0, 200, n),
    )  # fmt: skip


def test_auc_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(0)
    score = np.round(rng.normal(size=60), 1)
    signal = rng.uniform(size=60) < 0.4
    above = score[signal][:, None] - score[~signal][None, :]
    assert auc(score, signal) == pytest.approx(((above > 0) + 0.5 * (above == 0)).mean())


def test_the_roc_curve_holds_the_auc() -> None:
    rng = np.random.default_rng(1)
    signal = rng.uniform(size=500) < 0.5
    score = np.round(rng.normal(size=500) + signal, 1)
    efficiency, rate = roc(score, signal)
    assert (efficiency[0], rate[0], efficiency[-1], rate[-1]) == (0, 0, 1, 1)
    area = ((efficiency[1:] + efficiency[:-1]) / 2 * np.diff(rate)).sum()
    assert area == pytest.approx(auc(score, signal))


def test_rejection_by_hand() -> None:
    # the threshold that keeps half of four signal jets is 3; two of ten background jets pass it
    score = np.array([4.0, 3, 2, 1, 5, 3.5, 0, 0, 0, 0, 0, 0, 0, 0])
    signal = np.arange(14) < 4
    found = rejection(score, signal, 0.5)
    assert (found.passed, found.rate, found.rejection) == (2, 0.2, 5.0)
    assert found.low < 5 < found.high


def test_no_background_left_is_infinite_rejection_with_a_limit() -> None:
    found = rejection(np.array([2.0, 1, 0, 0]), np.array([True, True, False, False]), 0.5)
    assert found.rejection == np.inf
    assert 1 < found.low < np.inf


def test_wilson_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    share = 0.03
    inside = [
        low < share < high for low, high in (wilson(k, 500) for k in rng.binomial(500, share, 2000))
    ]
    assert np.mean(inside) == pytest.approx(0.68, abs=0.07)


def test_the_error_of_the_auc_is_how_much_it_varies() -> None:
    rng = np.random.default_rng(3)
    signal = np.arange(400) < 200
    many = [auc(rng.normal(size=400) + 1.5 * signal, signal) for _ in range(300)]
    one = measure_scores(rng.normal(size=400) + 1.5 * signal, signal)
    assert one.auc_error == pytest.approx(np.std(many), rel=0.3)


def test_by_class_and_by_pt() -> None:
    jets = toy()
    rng = np.random.default_rng(4)
    evaluation = evaluate_scores(rng.normal(size=len(jets)) + jets.signal, jets)
    assert set(evaluation.by_class) == set(KINDS[:-1])
    assert sum(p.n_background for p in evaluation.by_class.values()) == 200
    assert sum(p.n_signal for p in evaluation.by_pt.values()) == 200
    told = lines(evaluation)
    assert len(told) == 1 + len(evaluation.by_class) + len(evaluation.by_pt)
    assert "AUC" in told[0]


def test_one_class_alone_cannot_be_measured() -> None:
    with pytest.raises(TrainingError, match="takes both"):
        measure_scores(np.ones(3), np.ones(3, dtype=bool))


def test_ks_distance() -> None:
    assert ks_distance(np.array([1.0, 2]), np.array([3.0, 4])) == 1
    assert ks_distance(np.arange(10.0), np.arange(10.0)) == 0
    assert ks_distance(np.array([0.0, 1]), np.array([0.5, 2])) == pytest.approx(0.5)


def test_the_same_jets_cannot_be_told_apart_and_others_can() -> None:
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=(400, 5)), rng.normal(size=(300, 5))
    assert domain_auc(first, second) == pytest.approx(0.5, abs=0.08)
    assert domain_auc(first, second + 1.0) > 0.9


def test_comparing_two_samples() -> None:
    found = compare(toy(seed=1), toy(seed=2))
    assert {row.quantity for row in found.distances} == {
        "fj_pt",
        "fj_sdmass",
        "n_tracks",
        "a",
        "b",
        "c",
    }
    assert all(row.ks < 0.25 for row in found.distances)
    assert set(found.domain_auc) == {"qcd", "hbb"}
