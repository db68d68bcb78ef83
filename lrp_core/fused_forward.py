"""The interaction network's forward pass with fewer products per edge, to train it with.

The same numbers as ``InteractionNetwork.forward`` up to rounding, gradients and running averages
included, for graphs in which an edge ends at every track. Explanations use the plain network.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lrp_core.interaction_network import InteractionNetwork


def fused_forward(
    network: InteractionNetwork, x: Tensor, edge_index: Tensor, batch: Tensor, n_jets: int
) -> Tensor:
    """x [n_tracks, n_columns], edge_index [2, n_edges], batch [n_tracks] -> logits [n_jets, 2].

    The first linear maps of an edge are done on its tracks; the last one of ``edge_mlp`` is merged
    into the first of ``node_mlp_1``; the last one of ``node_mlp_1`` is done after the mean.
    """
    blocks = network.interactionnetwork
    edge: Any = blocks.edge_model.edge_mlp
    first: Any = blocks.node_model.node_mlp_1
    second: Any = blocks.node_model.node_mlp_2
    last: Any = blocks.global_model.global_mlp
    source, destination = edge_index
    h = network.bn(x)
    width = h.shape[1]

    into = edge[0]
    from_source = h @ into.weight[:, :width].T
    from_destination = torch.addmm(into.bias, h, into.weight[:, width:].T)
    hidden = from_source.index_select(0, source) + from_destination.index_select(0, destination)
    hidden = torch.relu(edge[1](hidden))

    message = first[0]
    merged = message.weight[:, width:] @ edge[3].weight
    offset = message.weight[:, width:] @ edge[3].bias + message.bias
    from_track = h @ message.weight[:, :width].T
    hidden = torch.addmm(offset, hidden, merged.T) + from_track.index_select(0, source)
    hidden = torch.relu(first[1](hidden))
    mean = first[3](_mean(hidden, destination, len(x)))
    track = second(torch.cat([h, mean], dim=1))
    logits: Tensor = last(_mean(track, batch, n_jets))
    return logits


def _mean(values: Tensor, group: Tensor, n_groups: int) -> Tensor:
    """Mean of the rows of each group, [n_groups, width]."""
    total = values.new_zeros(n_groups, values.shape[1]).index_add_(0, group, values)
    count = torch.bincount(group, minlength=n_groups).clamp(min=1).to(values.dtype)
    return total / count[:, None]
