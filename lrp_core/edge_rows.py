"""The rows of the edges: what reached each edge by column, its norm, and its sum."""

from __future__ import annotations

import torch
from torch import Tensor

from lrp_core.pair_table import Block, PairTable


class EdgeRows:
    """Collects the rows of all edges block by block.

    rows  [n_jets, n_edges, width] if they are asked for, else None
    sums  [n_jets, n_edges], the sum of each row, if the rows are not
    """

    def __init__(self, pairs: PairTable, h: Tensor, *, rows: bool) -> None:
        """h [n_jets, n, n_columns], what the rows are of. rows: whether they are asked for"""
        self.pairs, self.asked = pairs, rows
        self.rows: Tensor | None = None
        if rows and len(pairs.blocks) > 1:  # before anything else, for it stays
            self.rows = h.new_empty(len(h), pairs.n * (pairs.n - 1), 2 * h.shape[2])
        self._norms: list[Tensor] = []
        self._sums: list[Tensor] = []

    def write(self, table: Tensor, block: Block) -> None:
        """A block's rows [n_jets, sources, destinations, width]."""
        self._norms.append(torch.linalg.vector_norm(table, dim=3))
        if self.rows is not None:
            self.pairs.write_rows(table, self.rows, block)
        elif self.asked:
            self.rows = self.pairs.of_edges(table)
        else:
            self._sums.append(table.sum(dim=3))

    @property
    def sums(self) -> Tensor | None:
        """The sum of each edge's row [n_jets, n_edges]."""
        return self.pairs.of_edges(self.pairs.joined(self._sums)) if self._sums else None

    def significance(self) -> Tensor:
        """The rows' norms over their sum by jet [n_jets, n_edges]; zeros where all are zero."""
        norms = self.pairs.of_edges(self.pairs.joined(self._norms))
        sums = norms.sum(dim=1, keepdim=True)
        return norms.div_(sums.clamp_(min=torch.finfo(norms.dtype).tiny))
