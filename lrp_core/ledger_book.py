"""Writes ledgers: notes whose sum every entry is, and adds all of them up in one go at the end.

One sum at a time would take longer than the relevance of a small jet.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from lrp_core.explanation import Ledger, LedgerRow


class LedgerBook:
    """Notes for the ledgers of several jets; sums are taken in float64.

    Every entry is a tensor whose rows belong to the jets in turn, as many rows to each.
    """

    def __init__(self, n_jets: int) -> None:
        self.n_jets = n_jets
        self._stages: list[tuple[str, dict[str, str]]] = []
        self._entries: list[list[Tensor | None]] = []

    def add(
        self,
        stage: str,
        received: Tensor,
        passed: dict[str, tuple[Tensor, str]],
        bias: Tensor | None = None,
        epsilon: Tensor | None = None,
    ) -> None:
        """One division. passed: for each port the relevance and the stage whose output it is."""
        self._stages.append((stage, {}))
        self._entries.append([received, bias, epsilon])
        self.passed(passed)

    def passed(self, passed: dict[str, tuple[Tensor, str]]) -> None:
        """More inputs of the division noted last."""
        stage, inputs = self._stages[-1]
        for port, (part, origin) in passed.items():
            inputs[f"{stage}:{port}"] = origin
            self._entries[-1].append(part)

    def ledgers(self) -> list[Ledger]:
        """A ledger for each jet."""
        parts = {id(one): one for row in self._entries for one in row if one is not None}
        flat = [entry.reshape(self.n_jets, -1) for entry in parts.values()]
        starts = list(accumulate((part.shape[1] for part in flat[:-1]), initial=0))
        terms = torch.cat(flat, dim=1).cpu().numpy()
        sums = np.add.reduceat(terms, starts, axis=1, dtype=np.float64).tolist()
        return [Ledger(self._rows(dict(zip(parts, of_jet, strict=True)))) for of_jet in sums]

    def _rows(self, sums: dict[int, float]) -> tuple[LedgerRow, ...]:
        """The rows of one jet; sums: of each entry, by its identity."""
        sums[id(None)] = 0.0
        rows = []
        for (stage, inputs), row in zip(self._stages, self._entries, strict=True):
            received, bias, epsilon, *passed = [sums[id(entry)] for entry in row]
            named = dict(zip(inputs, passed, strict=True))
            rows.append(LedgerRow(stage, received, named, bias, epsilon, dict(inputs)))
        return tuple(rows)
