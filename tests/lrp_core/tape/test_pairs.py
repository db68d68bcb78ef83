"""Features of pairs of tracks: an account of their own, and edges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lrp_core
from lrp_core import Columns, Edges, Inputs, JetIndex, Mask, Pairs
from lrp_core.errors import JetError
from lrp_core.jets import Jet
from lrp_core.tape.network import TapeModel
from tests.zoo.networks import mlp
from tests.zoo.zoo import COLUMNS, ZOO, at_random, jet, model_of


def distances(one: Jet) -> np.ndarray:
    """[n_tracks, n_tracks, 2]: differences in η and φ, which are not symmetric."""
    points = one.select(("eta", "phi")).astype(np.float64)
    return points[:, None] - points[None]


class Attributes(nn.Module):
    """Messages of (x_j, attribute of the edge), added up."""

    def __init__(self) -> None:
        super().__init__()
        self.message, self.fc = mlp(7, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor, edge_index: Tensor, edge_attr: Tensor, batch: Tensor) -> Tensor:
        source, destination = edge_index
        message = self.message(torch.cat([x[source], edge_attr], 1))
        heard = x.new_zeros(len(x), 6).index_add(0, destination, message)
        jets = x.new_zeros(int(batch.max()) + 1, 6).index_add(0, batch, heard)
        return self.fc(jets)


class Biased(nn.Module):
    """Scores of attention with a bias that is given: [jets, features, tracks, tracks]."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.bias = nn.Linear(5, 4), nn.Conv2d(2, 1, 1)
        self.fc = nn.Linear(4, 2)

    def forward(self, x: Tensor, pairs: Tensor, mask: Tensor) -> Tensor:
        x = self.embed(x)
        scores = x @ x.transpose(1, 2) + self.bias(pairs)[:, 0]
        scores = scores.masked_fill(mask.unsqueeze(1) == 0, -torch.inf)
        return self.fc((scores.softmax(-1) @ x * mask.unsqueeze(-1)).sum(1))


def loaded(network: nn.Module, inputs: Inputs) -> TapeModel:
    return TapeModel(at_random(network), inputs, jet())


def attributes() -> TapeModel:
    inputs = Inputs(
        x=Columns("tracks", COLUMNS),
        edge_index=Edges(),
        edge_attr=Pairs(distances, layout="edge feature"),
        batch=JetIndex(),
    )
    return loaded(Attributes(), inputs)


def biased() -> TapeModel:
    inputs = Inputs(
        x=Columns("tracks", COLUMNS, layout="jet track column", pad_to=7),
        pairs=Pairs(distances),
        mask=Mask(layout="jet track"),
    )
    return loaded(Biased(), inputs)


def transformer() -> TapeModel:
    """The zoo's transformer; what it makes of the four-vectors for pairs is explained."""
    inputs = ZOO["ParticleTransformer"].inputs
    assert inputs is not None
    given = dict(inputs.arguments)
    vectors = given["vectors"]
    assert isinstance(vectors, Columns)
    given["vectors"] = replace(vectors, relevance="pairs")
    return TapeModel(model_of("ParticleTransformer").network, Inputs(**given), jet())


MODELS = {"edge_attr": attributes, "pairs": biased, "vectors": transformer}


@pytest.mark.parametrize("name", MODELS)
def test_they_have_an_account_and_edges(name: str) -> None:
    model = MODELS[name]()
    for rule in ("zero", "epsilon(0.01)", "gamma(0.25)"):
        asked: dict[str, Any] = {"rule": rule, "dtype": "float64", "attention": "attnlrp"}
        found = lrp_core.explain(model, jet(), edges="rows", **asked)
        assert found.conservation_error < 1e-12
        row = found.ledger[f"pairs:{name}"]
        edges = found.edges[name]
        assert edges.kind == "pair features"
        assert row.received == pytest.approx(row.bias)
        assert edges.sums.sum() == pytest.approx(row.received, rel=1e-9, abs=1e-12)
        assert abs(row.received) > 1e-6
        assert edges.significance.sum() == pytest.approx(1.0)
        assert edges.rows is not None
        assert edges.rows.shape == (edges.n_edges, 2)
        short = lrp_core.explain(model, jet(), **asked)
        assert np.allclose(short.edges[name].significance, edges.significance, atol=1e-10)
        # what is drawn is what tracks send each other
        assert found.edges[next(iter(found.edges))].kind != "pair features"


def test_with_constant_attention_what_biases_it_gets_nothing() -> None:
    found = lrp_core.explain(transformer(), jet(), dtype="float64")
    assert "vectors" not in found.edges
    plain = lrp_core.explain(model_of("ParticleTransformer"), jet(), dtype="float64")
    assert np.abs(found.track_relevance - plain.track_relevance).max() < 1e-12


def test_an_attribute_is_of_its_own_edge() -> None:
    """Of a linear network relevance is gradient times input, edge by edge."""
    model = attributes()
    found = lrp_core.explain(
        model, jet(), rule="zero", target="hbb", dtype="float64", edges="rows"
    ).edges["edge_attr"]
    arguments = model.given([{"tracks": jet()}]).arguments
    attribute = arguments["edge_attr"].requires_grad_()
    model.network(**arguments)[0, 1].backward()
    wanted = (attribute * attribute.grad).detach().numpy()
    assert np.array_equal(found.edge_index, jet().edge_index)
    assert np.abs(found.rows - wanted).max() < 1e-5


def test_each_pair_that_no_one_gave_a_direction_stands_once() -> None:
    found = lrp_core.explain(transformer(), jet(), dtype="float64", attention="attnlrp")
    ends = found.edges["vectors"].edge_index
    assert (ends[0] <= ends[1]).all()
    assert ends.shape[1] == 15


@pytest.mark.parametrize("name", MODELS)
def test_several_jets_on_one_tape(name: str) -> None:
    model = MODELS[name]()
    assert model.batched
    jets = [jet(5, seed) for seed in range(3)]
    asked: dict[str, Any] = {"rule": "gamma(0.25)", "dtype": "float64", "attention": "attnlrp"}
    for one, found in zip(jets, lrp_core.explain_batch(model, jets, **asked), strict=True):
        alone = lrp_core.explain(model, one, **asked)
        assert np.array_equal(found.edges[name].edge_index, alone.edges[name].edge_index)
        assert np.abs(found.edges[name].sums - alone.edges[name].sums).max() < 1e-6
        account = found.ledger[f"pairs:{name}"].received
        assert account == pytest.approx(alone.ledger[f"pairs:{name}"].received, abs=1e-6)


def test_padding_has_no_pairs() -> None:
    found = lrp_core.explain(biased(), jet(), dtype="float64", attention="attnlrp")
    assert found.warnings == ()
    assert found.edges["pairs"].n_edges == 25


def test_an_array_of_another_shape_is_named() -> None:
    inputs = Inputs(
        x=Columns("tracks", COLUMNS),
        edge_index=Edges(),
        edge_attr=Pairs(lambda one: one.tracks, layout="edge feature"),
        batch=JetIndex(),
    )
    with pytest.raises(JetError, match=r"makes an array of shape \(5, 5\); expected \[5, 5, n"):
        loaded(Attributes(), inputs)
