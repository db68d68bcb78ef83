"""The interaction network's written steps and its tape: two engines, one answer."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrp_core
from lrp_core.explanation import Explanation
from lrp_core.jets import Jet
from lrp_core.model import Model
from lrp_core.rules import Rule
from lrp_core.tape.network import TapeModel
from tests.lrp_core.examples import RULES, real_jets, real_model, toy_jet


@cache
def taped(model: Model) -> TapeModel:
    """The same network without its steps."""
    found = lrp_core.load_model(
        model.network,
        example=toy_jet(4, 7, columns=model.columns),
        columns=model.columns,
        classes=model.classes,
    )
    assert isinstance(found, TapeModel)
    return found


@cache
def embedded() -> Model:
    return lrp_core.load_model()


def both(model: Model, jet: Jet, **asked: Any) -> tuple[Explanation, Explanation]:
    asked["dtype"] = "float64"
    written = lrp_core.explain(model, jet, engine="general", **asked)
    return written, lrp_core.explain(taped(model), jet, **asked)


def compare(written: Explanation, found: Explanation, most: float) -> None:
    def close(one: Any, other: Any) -> bool:
        one, other = np.asarray(one, float), np.asarray(other, float)
        assert one.shape == other.shape
        scale = max(np.abs(one).max(initial=0.0), abs(written.value), 1e-300)
        return bool(np.abs(one - other).max(initial=0.0) <= most * scale)

    assert close(written.logits, found.logits)
    assert close(written.track_relevance, found.track_relevance)
    assert np.array_equal(written.edge_index, found.edge_index)
    assert close(written.edge_relevance, found.edge_relevance)
    assert close(written.edge_significance, found.edge_significance)
    assert close(written.signed_edge_relevance, found.signed_edge_relevance)
    assert close(written.ledger.bias, found.ledger.bias)
    assert close(written.ledger.epsilon, found.ledger.epsilon)
    for row in written.ledger:
        name = {"input_norm": "bn"}.get(row.stage, row.stage)
        same = [other for other in found.ledger if other.stage.endswith(name)]
        if "." in name or name == "bn":
            (other,) = same
            mine = [row.received, row.bias, row.epsilon]
            assert close(mine, [other.received, other.bias, other.epsilon])
    assert found.warnings == ()


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("target", ["margin", "hbb", "qcd"])
def test_the_embedded_network(rule: Rule, target: str) -> None:
    jet = toy_jet(6, 3, columns=embedded().columns)
    most = 1e-11 if rule.bias == "account" else 1e-9
    compare(*both(embedded(), jet, rule=rule, target=target), most)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_trained_network_on_real_jets(rule: Rule, cms_data: Path) -> None:
    jets = real_jets(cms_data)
    by_size = jets.summary().sort_values(["n_tracks", "index"], kind="stable")["index"].tolist()
    jet = jets[by_size[len(by_size) // 3]]
    most = 1e-11 if rule.bias == "account" else 1e-9
    for target in ("margin", "hbb"):
        compare(*both(real_model(cms_data), jet, rule=rule, target=target), most)


def test_edges_of_ones_own_and_a_jet_of_one_track() -> None:
    model = embedded()
    chain = toy_jet(4, 1, [[0, 1, 2, 3, 0], [1, 2, 3, 0, 2]], columns=model.columns)
    alone = toy_jet(1, 2, columns=model.columns)
    for jet in (chain, alone):
        compare(*both(model, jet, rule="gamma(1.0)"), 1e-11)
    written, found = both(model, chain, rule="gamma(1.0)", edges="summary")
    assert found.edge_relevance.shape == (0, 2 * len(model.columns))
    assert np.allclose(written.signed_edge_relevance, found.signed_edge_relevance, atol=1e-12)


def test_a_composite_of_rules_goes_by_the_paths_of_modules() -> None:
    model, jet = embedded(), toy_jet(5, 5, columns=embedded().columns)
    rules = {"*edge_mlp.*": lrp_core.Epsilon(0.02), "*node_mlp_1.0": lrp_core.ZPlus()}
    composite = lrp_core.Composite(rules, default=lrp_core.Gamma(0.5))
    compare(*both(model, jet, rule=composite), 1e-11)
    with pytest.raises(lrp_core.JetlrpError, match="fits no stage"):
        both(model, jet, rule=lrp_core.Composite({"nowhere.*": lrp_core.Zero()}))


def test_in_float32_it_is_the_same_to_its_digits() -> None:
    model, jet = embedded(), toy_jet(6, 4, columns=embedded().columns)
    written = lrp_core.explain(model, jet, dtype="float64")
    found = lrp_core.explain(taped(model), jet)
    assert found.track_relevance.dtype == np.float32
    scale = np.abs(written.track_relevance).max()
    assert np.abs(written.track_relevance - found.track_relevance).max() < 1e-3 * scale
    assert found.conservation_error < 1e-4
