"""The edges along which one part of a network passed messages, with what they carried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class EdgeSet:
    """Edges that were found where a network adds up messages.

    edge_index    [2, n_edges]: row 0 the sender, row 1 the receiver; a track may send to itself
    sums          [n_edges] float64: the relevance of each message, positive = for the target
    significance  [n_edges]: the norm of each message's relevance over channels and heads, over the
                  sum of all norms; all zeros where every norm is zero
    kind          "edge list", "neighbours" or "attention": how the network adds up
    rows          [n_edges, n_channels]: relevance by channel, if it was asked for
    groups        the groups of rows that senders and receivers are of
    """

    edge_index: Array
    sums: Array
    significance: Array
    kind: str
    rows: Array | None = None
    groups: tuple[str, str] = ("tracks", "tracks")

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return int(self.edge_index.shape[1])

    def between_different(self) -> EdgeSet:
        """The same without the messages that tracks send to themselves."""
        kept = self.edge_index[0] != self.edge_index[1]
        if kept.all():
            return self
        total = self.significance[kept].sum()
        return EdgeSet(
            self.edge_index[:, kept],
            self.sums[kept],
            self.significance[kept] / (total if total > 0 else 1.0),
            self.kind,
            None if self.rows is None else self.rows[kept],
            self.groups,
        )


def shares_of(norms: Array) -> Array:
    """Norms over their sum; all zeros where the sum is."""
    total = float(norms.sum())
    result: Array = norms / total if total > 0 else np.zeros_like(norms)
    return result
