"""Writes ledgers: notes whose sum every entry is, and adds all of them up in one go at the end.

One sum at a time would take longer than the relevance of a small jet.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lrp_core.explanation import Ledger, LedgerRow


class _Division(NamedTuple):
    """One row: its stage, and which of the book's sums its entries are; by port those passed on."""

    stage: str
    received: int
    bias: int
    epsilon: int
    passed: dict[str, int]
    inputs: dict[str, str]


class LedgerBook:
    """Notes for the ledgers of several jets; sums are taken in float64.

    Every entry is a tensor whose rows belong to the jets in turn, as many rows to each. One that
    stands in two places, passed on and received, is added up once.
    """

    def __init__(self, n_jets: int) -> None:
        self.n_jets = n_jets
        self._divisions: list[_Division] = []
        self._terms: list[Tensor] = []
        self._places: dict[int, int] = {id(None): -1}  # of a zero, behind the sums

    def add(
        self,
        stage: str,
        received: Tensor,
        passed: dict[str, tuple[Tensor, str]],
        bias: Tensor | None = None,
        epsilon: Tensor | None = None,
    ) -> None:
        """One division. passed: for each port the relevance and the stage whose output it is."""
        entries = self._place(received), self._place(bias), self._place(epsilon)
        self._divisions.append(_Division(stage, *entries, {}, {}))
        self.passed(passed)

    def passed(self, passed: dict[str, tuple[Tensor, str]]) -> None:
        """More inputs of the division noted last."""
        division = self._divisions[-1]
        for port, (part, origin) in passed.items():
            name = f"{division.stage}:{port}"
            division.passed[name] = self._place(part)
            division.inputs[name] = origin

    def ledgers(self) -> list[Ledger]:
        """A ledger for each jet."""
        flat = [terms.reshape(self.n_jets, -1) for terms in self._terms]
        starts, end = [], 0
        for terms in flat:
            starts.append(end)
            end += terms.shape[1]
        numbers = torch.cat(flat, dim=1).cpu().numpy()
        sums = np.add.reduceat(numbers, starts, axis=1, dtype=np.float64).tolist()
        return [self._ledger([*of_jet, 0.0]) for of_jet in sums]

    def _place(self, entry: Tensor | None) -> int:
        """Where an entry's sum will stand."""
        place = self._places.setdefault(id(entry), len(self._terms))
        if entry is not None and place == len(self._terms):
            self._terms.append(entry)
        return place

    def _ledger(self, sums: list[float]) -> Ledger:
        return Ledger(
            tuple(
                LedgerRow(
                    stage,
                    sums[received],
                    {name: sums[place] for name, place in passed.items()},
                    sums[bias],
                    sums[epsilon],
                    inputs.copy(),
                )
                for stage, received, bias, epsilon, passed, inputs in self._divisions
            )
        )
