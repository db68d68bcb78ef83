"""What the tests of the core work on: seeded toy networks and jets, and the real ones."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lrp_core.checkpoint import load_model
from lrp_core.explanation import Explanation
from lrp_core.interaction_network import InteractionNetwork
from lrp_core.jets import Jet
from lrp_core.model import Model
from lrp_core.reading import open_jets
from lrp_core.rules import (
    BIAS_POLICIES,
    AlphaBeta,
    Epsilon,
    Flat,
    Gamma,
    Rule,
    WSquare,
    Zero,
    ZPlus,
    with_bias,
)
from lrp_core.steps import Steps

KINDS: tuple[Rule, ...] = (
    Zero(),
    Epsilon(0.01),
    Epsilon(0.05, relative=True),
    Gamma(1.0),
    AlphaBeta(2.0, 1.0),
    ZPlus(),
    Flat(),
    WSquare(),
)
RULES = tuple(with_bias(rule, policy) for rule in KINDS for policy in BIAS_POLICIES)
COLUMNS = ("track_pt", "track_etarel", "track_phirel", "track_dz", "track_pt")


def at_random(network: nn.Module, seed: int = 0) -> nn.Module:
    """Give every weight and every running statistic a value that nothing depends on by chance."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            n_in = parameter.shape[-1] if parameter.dim() > 1 else 4
            parameter.copy_(torch.randn(parameter.shape, generator=draw) * (1.5 / n_in**0.5))
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d) and module.running_mean is not None:
                shape = module.running_mean.shape
                module.running_mean.copy_(0.5 * torch.randn(shape, generator=draw))
                module.running_var.copy_(0.3 + 2 * torch.rand(shape, generator=draw))
                if module.weight is not None:
                    module.weight.copy_(0.5 + torch.rand(shape, generator=draw))
    return network.eval()


def toy_network(
    n_columns: int = 5, n_classes: int = 2, hidden: int = 8, seed: int = 0
) -> InteractionNetwork:
    """A small interaction network with nothing left at its default value."""
    network = at_random(InteractionNetwork(n_columns, n_classes, hidden), seed)
    assert isinstance(network, InteractionNetwork)
    return network


def toy_model(seed: int = 0, classes: Iterable[str] = ("qcd", "hbb"), hidden: int = 8) -> Model:
    names = tuple(classes)
    return Model(toy_network(len(COLUMNS), len(names), hidden, seed), COLUMNS, names, name="toy")


def toy_jet(
    n_tracks: int = 4,
    seed: int = 0,
    edge_index: npt.ArrayLike | None = None,
    columns: tuple[str, ...] = COLUMNS,
) -> Jet:
    draw = np.random.default_rng(seed)
    return Jet.from_arrays(
        draw.normal(size=(n_tracks, len(columns))), columns, edge_index, jet_id=f"toy:{seed}"
    )


class TwoBlocks(nn.Module):
    """Two interaction blocks in a row that add messages up: another network, of other widths.

    One of its perceptrons has no BatchNorm, one has a Dropout, one Linear has no bias, and its
    second block sees the jet as a whole beside every track.
    """

    def __init__(self, n_columns: int = 3, n_classes: int = 2) -> None:
        super().__init__()
        self.edge_1 = nn.Sequential(
            nn.Linear(2 * n_columns, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 6)
        )
        self.node_1 = nn.Sequential(
            nn.Linear(n_columns + 6, 10), nn.ReLU(), nn.Dropout(0.5), nn.Linear(10, 7)
        )
        self.between = nn.BatchNorm1d(7)
        self.edge_2 = nn.Sequential(
            nn.Linear(2 * 7 + 7, 11, bias=False),
            nn.Identity(),
            nn.BatchNorm1d(11),
            nn.ReLU(),
            nn.Linear(11, 4),
            nn.BatchNorm1d(4),
        )
        self.node_2 = nn.Sequential(nn.Linear(7 + 4 + 4, 5), nn.ReLU(), nn.Linear(5, 8))
        self.read_out = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, n_classes))

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor) -> Tensor:
        source, destination = edge_index
        n_jets = int(batch.max()) + 1

        def total(rows: Tensor, index: Tensor, size: int) -> Tensor:
            return rows.new_zeros(size, rows.shape[1]).index_add(0, index, rows)

        message = self.edge_1(torch.cat([x[source], x[destination]], dim=1))
        x = self.node_1(torch.cat([x, total(message, destination, len(x))], dim=1))
        x = self.between(x)
        whole = total(x, batch, n_jets)
        beside = torch.cat([x, whole[batch]], dim=1)
        message = self.edge_2(torch.cat([beside[source], x[destination]], dim=1))
        arriving, leaving = (total(message, end, len(x)) for end in (destination, source))
        x = self.node_2(torch.cat([x, arriving, leaving], dim=1))
        out: Tensor = self.read_out(total(x, batch, n_jets))
        return out

    def steps(self) -> Steps:
        s = Steps()
        x = s.tracks
        pair = s.concatenate(source=s.gather(x, "source"), destination=s.gather(x, "destination"))
        message = s.mlp("edge_1", self.edge_1, pair)
        arriving = s.sum("sum_1", message, over="destination")
        x = s.mlp("node_1", self.node_1, s.concatenate(self=x, sum=arriving))
        x = s.norm("between", self.between, x)
        whole = s.gather(s.sum("whole", x, over="jet"), "jet")
        beside = s.concatenate(track=x, jet=whole)
        pair = s.concatenate(
            source=s.gather(beside, "source"), destination=s.gather(x, "destination")
        )
        message = s.mlp("edge_2", self.edge_2, pair)
        arriving = s.sum("arriving", message, over="destination")
        leaving = s.sum("leaving", message, over="source")
        x = s.mlp("node_2", self.node_2, s.concatenate(self=x, arriving=arriving, leaving=leaving))
        return s.returns(s.mlp("read_out", self.read_out, s.sum("pool", x, over="jet")))


def two_blocks(seed: int = 0, classes: Iterable[str] = ("qcd", "hbb")) -> Model:
    names = tuple(classes)
    network = at_random(TwoBlocks(3, len(names)), seed)
    return Model(network, COLUMNS[:3], names, name="two blocks")


@cache
def real_model(folder: Path) -> Model:
    return load_model(folder / "IN.pth", folder / "definitions.yml")


@cache
def real_jets(folder: Path) -> Any:
    return open_jets(folder / "hbb_jets.root")


@cache
def hundred_jets(folder: Path) -> list[Jet]:
    """A hundred real jets: small ones, so that every rule can see all of them, and three larger."""
    jets = real_jets(folder)
    by_size = jets.summary().sort_values(["n_tracks", "index"], kind="stable")["index"].tolist()
    chosen = by_size[:97] + [by_size[len(by_size) * part // 10] for part in (5, 6, 7)]
    return [jets[index] for index in sorted(chosen)]


def whole(explanation: Explanation) -> float:
    """Size of an explanation's numbers, for tolerances."""
    return float(
        max(abs(explanation.value), np.abs(explanation.track_relevance).max(initial=0.0), 1e-300)
    )
