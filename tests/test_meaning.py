"""Explanations mean something: what was planted comes first, and chance knows nothing of it."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lrp_core.explainer import explain_batch
from lrp_core.explanation import Explanation
from lrp_core.interaction_network import InteractionNetwork
from lrp_core.jets import Jet, complete_graph
from lrp_core.model import Model
from lrp_core.rules import AlphaBeta, Epsilon, Gamma, Rule, Zero, ZPlus
from tests.lrp_core import examples as toys

COLUMNS = ("noise_a", "noise_b", "planted", "noise_c")
N_TRACKS = 5
RULES = (Gamma(1.0), Epsilon(0.1), Zero(), AlphaBeta(2.0, 1.0), ZPlus())


def tracks_of(n_jets: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Tracks [n_jets, N_TRACKS, 4]; hbb = one track has a large value in the planted column."""
    draw = np.random.default_rng(seed)
    tracks = draw.normal(size=(n_jets, N_TRACKS, 4))
    label = draw.integers(0, 2, n_jets)
    tracks[..., 2] = 0.3 * draw.normal(size=(n_jets, N_TRACKS))
    tracks[np.arange(n_jets), draw.integers(0, N_TRACKS, n_jets), 2] += 3.0 * label
    return tracks.astype(np.float32), label


@cache
def trained() -> Model:
    """A small interaction network that has learnt to find the planted value."""
    torch.manual_seed(0)
    network = InteractionNetwork(4, 2, 12)
    tracks, label = tracks_of(256, 0)
    x, y = torch.from_numpy(tracks).flatten(0, 1), torch.from_numpy(label)
    edges = torch.from_numpy(complete_graph(N_TRACKS))
    steps = N_TRACKS * torch.arange(len(y))
    edge_index = (edges[:, None, :] + steps[None, :, None]).flatten(1)
    batch = torch.arange(len(y)).repeat_interleave(N_TRACKS)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(45):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(x, edge_index, batch), y)
        loss.backward()
        optimizer.step()
    model = Model(network, COLUMNS)
    with torch.no_grad():
        found = network(x, edge_index, batch).argmax(dim=1)
    assert (found == y).float().mean() > 0.97
    return model


@cache
def some_jets() -> list[Jet]:
    tracks, label = tracks_of(40, 1)
    return [
        Jet.from_arrays(one, COLUMNS, label=("qcd", "hbb")[kind])
        for one, kind in zip(tracks, label, strict=True)
    ]


def size_of_features(explanations: list[Explanation]) -> np.ndarray:
    return np.mean([np.abs(one.feature_relevance).sum(axis=0) for one in explanations], axis=0)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_the_planted_feature_ranks_first(rule: Rule) -> None:
    size = size_of_features(explain_batch(trained(), some_jets(), rule=rule))
    assert COLUMNS[int(size.argmax())] == "planted"
    assert size[2] > 1.5 * np.delete(size, 2).max()


@pytest.mark.parametrize("rule", RULES[:2], ids=str)
def test_the_planted_track_ranks_first_and_speaks_for_the_target(rule: Rule) -> None:
    signal = [jet for jet in some_jets() if jet.label == "hbb"]
    right = 0
    for jet, explanation in zip(signal, explain_batch(trained(), signal, rule=rule), strict=True):
        total = explanation.feature_relevance[:, 2]
        planted = int(jet.column("planted").argmax())
        right += int(total.argmax()) == planted and total[planted] > 0
    assert right > 0.9 * len(signal)


def test_randomised_weights_change_the_picture() -> None:
    """The sanity check of Adebayo et al. (2018): block after block forgets what it has learnt."""
    jets = some_jets()
    learnt = size_of_features(explain_batch(trained(), jets))
    shares = []
    for seed in range(8):
        network = copy.deepcopy(trained().network)
        toys.at_random(network.interactionnetwork, seed)
        forgotten = size_of_features(explain_batch(Model(network, COLUMNS), jets))
        shares.append(forgotten[2] / forgotten.sum())
    assert learnt[2] / learnt.sum() > 0.7
    assert np.max(shares) < 0.6
    assert np.mean(shares) < 0.45


def ranks(values: np.ndarray) -> np.ndarray:
    return values.ravel().argsort().argsort()


def test_randomised_weights_change_the_picture_of_real_jets(cms_data: Path) -> None:
    """Which edges count, by LRP-γ; and what every column of every track speaks for, by LRP-ε.

    LRP-γ's picture of the columns is left out: with γ = 1 it follows the size of the columns, much
    more than the weights (Sixt, Granz, Landgraf, "When Explanations Lie", 2020).
    """
    model, jets = toys.real_model(cms_data), toys.hundred_jets(cms_data)[50:60]
    network = copy.deepcopy(model.network)
    toys.at_random(network.interactionnetwork, 1)
    random = Model(network, model.columns, model.classes)
    for rule, name, most in (
        (Gamma(1.0), "edge_significance", 0.65),
        (Epsilon(0.1), "track_relevance", 0.3),
    ):
        alike = [
            np.corrcoef(ranks(getattr(one, name)), ranks(getattr(other, name)))[0, 1]
            for one, other in zip(
                explain_batch(model, jets, rule=rule),
                explain_batch(random, jets, rule=rule),
                strict=True,
            )
        ]
        assert abs(np.mean(alike)) < most


# A planted edge, in a network whose weights are set by hand.


def one_edge_network() -> Model:
    """hbb counts the edges from a track marked in column 0 to a track marked in column 1."""
    network = InteractionNetwork(2, 2, 3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.weight.fill_(1.0)
        blocks = network.interactionnetwork
        edge_mlp, node = blocks.edge_model.edge_mlp, blocks.node_model
        # relu(source[0] + destination[1] - 1.5): 0.5 where both are marked, and else 0
        edge_mlp[0].weight[0, 0] = edge_mlp[0].weight[0, 3] = 1.0
        edge_mlp[0].bias[0] = -1.5
        edge_mlp[3].weight[0, 0] = 2.0
        for mlp, column in ((node.node_mlp_1, 2), (node.node_mlp_2, 2)):
            mlp[0].weight[0, column] = mlp[3].weight[0, 0] = 1.0
        last = blocks.global_model.global_mlp
        last[0].weight[0, 0] = 1.0
        last[3].weight[1, 0] = 5.0
    return Model(network.eval(), ("sends", "receives"))


@pytest.mark.parametrize("rule", [Gamma(1.0), Epsilon(1e-4), Zero(), ZPlus()], ids=str)
@pytest.mark.parametrize("target", ["hbb", "margin"])
def test_the_planted_edge_ranks_first(rule: Rule, target: str) -> None:
    model = one_edge_network()
    draw = np.random.default_rng(3)
    for n_tracks in (3, 6, 10):
        source, destination = draw.choice(n_tracks, 2, replace=False)
        tracks = np.zeros((n_tracks, 2))
        tracks[source, 0] = tracks[destination, 1] = 1.0
        jet = Jet.from_arrays(tracks, model.columns)
        (explanation,) = explain_batch(model, [jet], rule=rule, target=target, dtype="float64")
        assert explanation.value == pytest.approx(
            5 / (n_tracks - 1) / n_tracks, rel=1e-4
        )  # mean over edges, mean over tracks
        first = int(explanation.edge_significance.argmax())
        assert explanation.edge_index[:, first].tolist() == [source, destination]
        assert explanation.edge_significance[first] == pytest.approx(1.0)
        assert explanation.signed_edge_relevance[first] > 0
        # On that edge, by the two columns that made it, the same share each.
        assert np.flatnonzero(np.abs(explanation.edge_relevance[first]) > 1e-9).tolist() == [0, 3]
        assert explanation.track_relevance[source, 0] == pytest.approx(
            explanation.track_relevance[destination, 1]
        )
        assert explanation.conservation_error < 1e-10
    # Without the pair, nothing lights up.
    nothing = Jet.from_arrays(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]), model.columns)
    (explanation,) = explain_batch(model, [nothing], rule=rule, target=target)
    assert explanation.value == 0.0
    assert not explanation.edge_significance.any()
    assert explanation.conservation_error == 0.0
