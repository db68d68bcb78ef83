"""The network itself: against the definition written out, and as a plain torch module."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lrp_core.interaction_network import InteractionNetwork
from lrp_core.propagation import run
from lrp_core.steps import Graph
from tests.lrp_core import by_hand
from tests.lrp_core import examples as toys
from tests.lrp_core.test_propagation import ODD_EDGES, STAGES


def test_the_names_are_those_of_the_published_checkpoint(cms_data: Path) -> None:
    published = torch.load(cms_data / "IN.pth", map_location="cpu", weights_only=True)
    network = InteractionNetwork()
    own = network.state_dict()
    assert {name: value.shape for name, value in own.items()} == {
        name: value.shape for name, value in published.items()
    }
    network.load_state_dict(published, strict=True)


@pytest.mark.parametrize(("n_columns", "n_classes", "hidden"), [(48, 2, 128), (3, 5, 7), (1, 1, 1)])
def test_widths_and_classes_are_free(n_columns: int, n_classes: int, hidden: int) -> None:
    network = toys.toy_network(n_columns, n_classes, hidden)
    out = network(torch.ones(3, n_columns), torch.tensor([[0, 1], [1, 2]]))
    assert out.shape == (1, n_classes)
    assert network.steps().stages == STAGES


@pytest.mark.parametrize("edges", [None, ODD_EDGES, np.zeros((2, 0))], ids=["all", "odd", "none"])
def test_forward_is_the_definition(edges: object) -> None:
    network, jet = toys.toy_network(), toys.toy_jet(4, 2, edges)  # type: ignore[arg-type]
    slow = by_hand.explain_network(
        {name: value.double().tolist() for name, value in network.state_dict().items()},
        jet.tracks.tolist(),
        [(int(source), int(destination)) for source, destination in jet.edge_index.T],
        (0.0, 0.0),
        lambda stage: {"name": "zero", "bias": "account"},
    )
    with torch.no_grad():
        out = network.double()(torch.tensor(jet.tracks), torch.tensor(jet.edge_index))
    np.testing.assert_allclose(out[0], slow.logits, rtol=1e-12)


def test_several_jets_in_one_batch() -> None:
    network = toys.toy_network().double()
    jets = [toys.toy_jet(3, 1), toys.toy_jet(1, 2), toys.toy_jet(5, 3)]
    offsets = (0, 3, 4)
    x = torch.cat([torch.tensor(jet.tracks) for jet in jets])
    edges = torch.cat(
        [torch.tensor(jet.edge_index) + start for jet, start in zip(jets, offsets, strict=True)],
        dim=1,
    )
    batch = torch.tensor([0] * 3 + [1] + [2] * 5)
    with torch.no_grad():
        together = network(x, edges, batch)
        alone = [network(torch.tensor(jet.tracks), torch.tensor(jet.edge_index)) for jet in jets]
        torch.testing.assert_close(together, torch.cat(alone), rtol=1e-12, atol=1e-12)
        graph = Graph(edges[0], edges[1], batch, 3)
        steps = network.steps().bind(torch.float64)
        assert steps.output is not None
        by_steps = run(steps, x, graph)[steps.output]
    torch.testing.assert_close(by_steps, together, rtol=1e-12, atol=1e-12)


def test_it_can_be_trained() -> None:
    """Plain torch: gradients reach every weight."""
    network = toys.toy_network().train()
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    edges = torch.tensor(toys.toy_jet(6).edge_index)
    network(x, edges, torch.tensor([0, 0, 0, 1, 1, 1])).square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
