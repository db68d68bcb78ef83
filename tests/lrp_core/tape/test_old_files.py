"""Files of explanations that were written before edges had names are still read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lrp_core

WRITTEN = Path(__file__).resolve().parents[1] / "old_files"  # by jetlrp before tapes, γ = 0.25


@pytest.mark.parametrize("ending", ["npz", "json"])
def test_an_explanation_of_the_first_format(ending: str) -> None:
    found = lrp_core.load_explanation(WRITTEN / f"explanation_1.{ending}")
    assert found.rule == lrp_core.Gamma(0.25)
    assert found.conservation_error < 1e-12
    assert found.value == pytest.approx(306.4850349058297)
    assert found.track_relevance.shape[0] == 3
    assert found.edge_relevance.shape == (6, 2 * len(found.columns))
    assert found.edge_significance.sum() == pytest.approx(1.0)
    assert dict(found.edges) == {}
    assert found.warnings == ()
    assert list(found.relevance) == ["tracks"]
    model = lrp_core.load_model()
    tracks = np.random.default_rng(3).normal(size=(3, len(model.columns))).round(2)
    jet = lrp_core.Jet.from_arrays(tracks, model.columns)
    again = lrp_core.explain(model, jet, rule=found.rule, dtype="float64")
    assert np.allclose(again.track_relevance, found.track_relevance, rtol=1e-9, atol=1e-9)
