"""What the fast path found for jets of the same number of tracks."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from lrp_core.explanation import Ledger


@dataclass(frozen=True)
class Found:
    """The explanations of several jets of the same number of tracks.

    logits, start  [n_jets, n_classes]
    tracks         [n_jets, n_tracks, n_columns]
    edges          [n_jets, n_edges, 2 n_columns], or None where only sums were asked for
    significance   [n_jets, n_edges]
    sums           [n_jets, n_edges]: the sum of each edge's row, where only sums were asked for
    ledgers        one for each jet
    """

    logits: Tensor
    start: Tensor
    tracks: Tensor
    edges: Tensor | None
    significance: Tensor
    sums: Tensor | None
    ledgers: list[Ledger]
