"""How an explanation goes with the truth: on a jet whose numbers can be done by hand."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from lrp_core.errors import JetError
from lrp_core.truth import (
    Origin,
    Truth,
    average_precision,
    random_average_precision,
    truth_match,
)

# Four tracks: 0 and 2 of a b-hadron (2 by way of a V0); relevance 3, -1, 2, 0 in two columns.
TRUTH = Truth(
    np.array([Origin.B_HADRON, Origin.PROMPT, Origin.V0, Origin.PILEUP]), np.array([1, 0, 2, 0])
)
EXPLANATION = SimpleNamespace(
    jet_id="by hand",
    track_relevance=np.array([[1.0, 2.0], [-2.0, 1.0], [2.0, 0.0], [0.5, -0.5]]),
    edge_index=np.array([[0, 2, 1], [2, 0, 3]]),
    edge_significance=np.array([0.5, 0.1, 0.4]),
)
PT = np.array([10.0, 20.0, 30.0, 40.0])


def test_by_hand() -> None:
    match = truth_match(EXPLANATION, TRUTH, PT)
    assert (match.n_tracks, match.n_b, match.track_share) == (4, 2, 0.5)
    assert match.pt_share == pytest.approx(0.4)
    assert match.relevance_share == pytest.approx(5 / 6)
    assert match.edge_share == pytest.approx(0.6)
    assert match.average_precision == 1.0  # 3 and 2 come before 1 and 0
    assert match.edge_average_precision == 1.0  # 0.3, 0.3 before 0.2, 0.2


def test_without_b_hadrons() -> None:
    nothing = Truth(np.zeros(4, dtype=np.int64), np.zeros(4, dtype=np.int64))
    match = truth_match(EXPLANATION, nothing, PT)
    assert (match.n_b, match.relevance_share, match.edge_share) == (0, 0.0, 0.0)
    assert np.isnan(match.average_precision)


def test_another_jet_is_refused() -> None:
    with pytest.raises(JetError, match="same jet"):
        truth_match(EXPLANATION, TRUTH, PT[:3])


def test_average_precision_by_hand() -> None:
    score = np.array([4.0, 3.0, 2.0, 1.0])
    assert average_precision(score, np.array([False, True, False, True])) == pytest.approx(0.5)
    assert average_precision(np.ones(4), np.array([False, True, False, True])) == pytest.approx(0.5)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (4, 1), (5, 2), (6, 3), (4, 4)])
def test_random_average_precision_is_the_mean_over_all_orders(n: int, m: int) -> None:
    wanted = np.arange(n) < m
    values = [
        average_precision(np.array(order, dtype=float), wanted)
        for order in itertools.permutations(range(n))
    ]
    assert random_average_precision(n, m) == pytest.approx(np.mean(values))
