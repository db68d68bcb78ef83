"""The Higgs interaction network: every track joined to every other, one logit per class.

h = BN(x); edge block e_k = edge_mlp([h_source, h_destination]); node block q_k = node_mlp_1(
[h_source, e_k]), m_j = mean of q_k over the edges that end at j, v_j = node_mlp_2([h_j, m_j]);
global block y = global_mlp(mean of v_j over the tracks). Every MLP is Linear, BatchNorm, ReLU,
Linear.

The modules are PyTorch Geometric's ``MetaLayer`` and bear the names that published checkpoints use.
Source: Moreno et al., "Interaction networks for the identification of boosted H → bb decays",
Phys. Rev. D 102, 012010 (2020), as taught with CMS Open Data.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import MetaLayer
from torch_geometric.utils import scatter

from lrp_core.steps import Steps


def _mlp(n_in: int, hidden: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_in, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, n_out)
    )


class EdgeBlock(nn.Module):
    """e_k = edge_mlp([h_source, h_destination])."""

    def __init__(self, n_columns: int, hidden: int) -> None:
        super().__init__()
        self.edge_mlp = _mlp(2 * n_columns, hidden, hidden)

    def forward(
        self, source: Tensor, destination: Tensor, edge_attr: Tensor, u: Tensor, batch: Tensor
    ) -> Tensor:
        """source, destination [n_edges, n_columns] -> [n_edges, hidden]."""
        out: Tensor = self.edge_mlp(torch.cat([source, destination], dim=1))
        return out


class NodeBlock(nn.Module):
    """v_j = node_mlp_2([h_j, mean over edges k into j of node_mlp_1([h_source(k), e_k])])."""

    def __init__(self, n_columns: int, hidden: int) -> None:
        super().__init__()
        self.node_mlp_1 = _mlp(n_columns + hidden, hidden, hidden)
        self.node_mlp_2 = _mlp(n_columns + hidden, hidden, hidden)

    def forward(
        self, x: Tensor, edge_index: Tensor, edge_attr: Tensor, u: Tensor, batch: Tensor
    ) -> Tensor:
        """x [n_tracks, n_columns], edge_attr [n_edges, hidden] -> [n_tracks, hidden]."""
        source, destination = edge_index
        message = self.node_mlp_1(torch.cat([x[source], edge_attr], dim=1))
        mean = scatter(message, destination, dim=0, dim_size=x.size(0), reduce="mean")
        out: Tensor = self.node_mlp_2(torch.cat([x, mean], dim=1))
        return out


class GlobalBlock(nn.Module):
    """y = global_mlp(mean of v_j over the tracks of the jet)."""

    def __init__(self, hidden: int, n_classes: int) -> None:
        super().__init__()
        self.global_mlp = _mlp(hidden, hidden, n_classes)

    def forward(
        self, x: Tensor, edge_index: Tensor, edge_attr: Tensor, u: Tensor, batch: Tensor
    ) -> Tensor:
        """x [n_tracks, hidden] -> logits [n_jets, n_classes]."""
        out: Tensor = self.global_mlp(scatter(x, batch, dim=0, reduce="mean"))
        return out


class InteractionNetwork(nn.Module):
    """The network of this page.

    n_columns  input columns of every track
    n_classes  logits of every jet
    hidden     width of every hidden layer and of every value between the blocks
    """

    def __init__(self, n_columns: int = 48, n_classes: int = 2, hidden: int = 128) -> None:
        super().__init__()
        self.interactionnetwork = MetaLayer(
            EdgeBlock(n_columns, hidden),
            NodeBlock(n_columns, hidden),
            GlobalBlock(hidden, n_classes),
        )
        self.bn = nn.BatchNorm1d(n_columns)

    def forward(self, x: Tensor, edge_index: Tensor, batch: Tensor | None = None) -> Tensor:
        """x [n_tracks, n_columns], edge_index [2, n_edges] -> logits [n_jets, n_classes].

        ``batch`` [n_tracks] numbers the jet of every track; without it there is one jet.
        """
        if batch is None:
            batch = edge_index.new_zeros(x.size(0))
        _, _, logits = self.interactionnetwork(self.bn(x), edge_index, None, None, batch)
        return logits  # type: ignore[no-any-return]

    def steps(self) -> Steps:
        """The steps of ``forward``, for relevance to walk backwards."""
        edge = self.interactionnetwork.edge_model.edge_mlp
        node = self.interactionnetwork.node_model
        s = Steps()
        h = s.norm("input_norm", self.bn, s.tracks)
        source, destination = s.gather(h, "source"), s.gather(h, "destination")
        pair = s.concatenate(source=source, destination=destination)
        e = s.mlp("edge_mlp", edge, pair)
        q = s.mlp("node_mlp_1", node.node_mlp_1, s.concatenate(source=source, edge=e))
        m = s.mean("mean", q, over="destination")
        v = s.mlp("node_mlp_2", node.node_mlp_2, s.concatenate(self=h, mean=m))
        pool = s.mean("pool", v, over="jet")
        return s.returns(s.mlp("global_mlp", self.interactionnetwork.global_model.global_mlp, pool))
