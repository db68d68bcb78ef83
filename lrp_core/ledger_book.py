"""Writes ledgers: notes whose sum every entry is, and adds all of them up in one go at the end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from torch import Tensor
from torch._utils import _flatten_dense_tensors as flatten

from lrp_core.errors import PropagationError
from lrp_core.explanation import Ledger, LedgerRow


def sums_by_jet(terms: Sequence[Tensor], n_jets: int) -> list[list[float]]:
    """The sum of every term, for each jet: float64, whatever the terms are in.

    The rows of a term belong to the jets in turn, as many to each. All are added up in one go: one
    at a time would take longer than the relevance of a small jet. Raises PropagationError if a sum
    is not finite.
    """
    sizes = [values.numel() // n_jets for values in terms for _ in range(n_jets)]
    starts = list(accumulate(sizes[:-1], initial=0))
    numbers = flatten(terms).cpu().numpy()
    sums = np.add.reduceat(numbers, starts, dtype=np.float64)
    found: list[list[float]] = sums.reshape(-1, n_jets).T.tolist()
    if not math.isfinite(sum(map(sum, found))):
        raise PropagationError(f"relevance overflowed in {numbers.dtype}")
    return found


class _Division(NamedTuple):
    """One row before its sums are taken: tensors whose sums its entries are, None for 0.

    passed  by port what an input got, and the stage whose output that input is
    """

    stage: str
    received: Tensor
    bias: Tensor | None
    epsilon: Tensor | None
    passed: dict[str, tuple[Tensor, str]]


class LedgerBook:
    """Notes for the ledgers of several jets; sums are taken in float64.

    Every entry is a tensor whose rows belong to the jets in turn, as many rows to each. One that
    stands in two places, passed on and received, is added up once.
    """

    def __init__(self, n_jets: int) -> None:
        self.n_jets = n_jets
        self._divisions: list[_Division] = []

    def add(
        self,
        stage: str,
        received: Tensor,
        passed: dict[str, tuple[Tensor, str]],
        bias: Tensor | None = None,
        epsilon: Tensor | None = None,
    ) -> None:
        """One division. passed: for each port the relevance and the stage whose output it is."""
        self._divisions.append(_Division(stage, received, bias, epsilon, passed))

    def passed(self, passed: dict[str, tuple[Tensor, str]]) -> None:
        """More inputs of the division noted last."""
        self._divisions[-1].passed.update(passed)

    def ledgers(self) -> list[Ledger]:
        """A ledger for each jet."""
        terms: dict[int, Tensor] = {}
        for _, received, bias, epsilon, passed in self._divisions:
            terms[id(received)] = received
            for part, _ in passed.values():
                terms[id(part)] = part
            if bias is not None:
                terms[id(bias)] = bias
            if epsilon is not None:
                terms[id(epsilon)] = epsilon
        of_jets = sums_by_jet(list(terms.values()), self.n_jets)
        return [self._ledger(dict(zip(terms, sums, strict=True))) for sums in of_jets]

    def _ledger(self, sums: dict[int, float]) -> Ledger:
        """One jet's, of the sums of the terms by identity."""
        sums[id(None)] = 0.0
        rows = []
        for stage, received, bias, epsilon, passed in self._divisions:
            got, origins = {}, {}
            for port, (part, origin) in passed.items():
                name = f"{stage}:{port}"
                got[name], origins[name] = sums[id(part)], origin
            entries = sums[id(received)], got, sums[id(bias)], sums[id(epsilon)]
            rows.append(LedgerRow(stage, *entries, origins))
        return Ledger(tuple(rows))
