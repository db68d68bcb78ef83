"""All ordered pairs of a jet's tracks as a table, in which a complete graph's edges stand in order.

Source by source, destination by destination: the value of pair (s, d) stands in row s n + d. Sums
over the edges of a track are sums over rows or columns of the table, so that nothing is gathered
or scattered. The diagonal, a track with itself, is no edge.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from lrp_core.products import round_up

BLOCK = 2048  # pairs of tracks at a time; a few arrays of them fit into a core's cache
KEPT = 80_000  # pairs of one jet up to which forward values are kept, not computed again


class Block(NamedTuple):
    """Sources ``first`` to ``last`` (exclusive) of every jet at hand, with all destinations.

    pairs  how many pairs these are
    room   rows of the arrays that hold them; what stands in rows beyond the pairs is never read
    """

    first: int
    last: int
    pairs: int
    room: int

    @property
    def sources(self) -> slice:
        """The sources among all tracks."""
        return slice(self.first, self.last)


class PairTable:
    """The pairs of jets of n tracks each, in blocks; arrays of a block are [room, width].

    Several jets run in one block; a jet with more pairs than a block holds runs alone, in several.

    kept  whether what is computed on the way forwards is kept for the way back; for very large jets
          it is computed again
    """

    def __init__(self, n_jets: int, n: int) -> None:
        self.n_jets, self.n = n_jets, n
        count = 1 if n_jets > 1 else -(-n * n // BLOCK)
        each = -(-n // count)  # sources, about as many in every block
        self.blocks = []
        for first in range(0, n, each):
            last = min(first + each, n)
            pairs = n_jets * (last - first) * n
            self.blocks.append(Block(first, last, pairs, round_up(pairs)))
        self.kept = count == 1 or n * n <= KEPT

    def view(self, values: Tensor, block: Block) -> Tensor:
        """[room, width] as [n_jets, sources, destinations, width]."""
        if block.room > block.pairs:
            values = values[: block.pairs]
        return values.view(self.n_jets, block.last - block.first, self.n, -1)

    def pair_up(self, source: Tensor, destination: Tensor, block: Block) -> Tensor:
        """source[s] + destination[d], each [n_jets, n, width] -> [room, width]."""
        found = source.new_empty(block.room, source.shape[2])
        table = self.view(found, block)
        torch.add(source[:, block.sources, None], destination[:, None], out=table)
        return found

    def add_source(self, values: Tensor, source: Tensor, block: Block) -> Tensor:
        """Add source[s] [n_jets, n, width] to values [room, width]."""
        self.view(values, block).add_(source[:, block.sources, None])
        return values

    def clear_diagonal(self, values: Tensor, block: Block) -> None:
        """A track has no edge to itself."""
        rows = values[: block.pairs].view(self.n_jets, -1, values.shape[1])
        rows[:, block.first :: self.n + 1].zero_()

    def write_rows(self, values: Tensor, rows: Tensor, block: Block) -> None:
        """Write a block's values into the edges' rows, the diagonal left out.

        values [n_jets, sources, destinations, width], rows [n_jets, n_edges, width]. Between any
        two pairs of the diagonal lie n others.
        """
        n, head, tail = self.n, block.first, self.n - block.last
        pairs, edges = values.flatten(1, 2), rows[:, block.first * (n - 1) : block.last * (n - 1)]
        between = block.last - block.first - 1
        if head:
            edges[:, :head] = pairs[:, :head]
        inner = pairs[:, head + 1 : head + 1 + between * (n + 1)].unflatten(1, (between, n + 1))
        edges[:, head : head + between * n].unflatten(1, (between, n)).copy_(inner[:, :, :n])
        if tail:
            edges[:, -tail:] = pairs[:, -tail:]

    def of_edges(self, values: Tensor) -> Tensor:
        """Values of all pairs [n_jets, n, n, ...] -> of the edges [n_jets, n_edges, ...]."""
        n, width = self.n, values.shape[3:]
        others = values.flatten(1, 2)[:, 1:].view(self.n_jets, n - 1, n + 1, *width)
        found: Tensor = others[:, :, :n].flatten(1, 2)
        return found

    @staticmethod
    def joined(parts: list[Tensor]) -> Tensor:
        """What blocks found for their sources [n_jets, sources, ...], for all of them."""
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    @staticmethod
    def plus(total: Tensor | None, part: Tensor) -> Tensor:
        """What one more block found for all tracks, added to what others did; ``total`` is used."""
        return part if total is None else total.add_(part)
