"""Rows of tensors to ledgers of numbers: the sums, in float64, of each jet."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from lrp_core.errors import PropagationError
from lrp_core.explanation import Ledger, LedgerRow
from lrp_core.tape.places import Places
from lrp_core.tape.walk import Row


class MixedJets(Exception):
    """A network's values belong to no one jet, so several jets cannot share a tape."""


def jets_of(places: Places, number: int) -> Tensor:
    """The jet of every element of a value, broadcast. Raises MixedJets where there is none."""
    label = places.labels.get(number)
    if label is None or bool((label.b >= 0).any()):
        raise MixedJets
    if bool((label.a < 0).any()):
        raise MixedJets
    return label.a


class _Sums:
    """Sums of terms by jet, in float64. What is only turned or reshaped is added up once."""

    def __init__(self, n_jets: int, places: Places | None) -> None:
        self.n_jets, self.places = n_jets, places
        self._known: dict[tuple[int, int], Tensor] = {}

    def __call__(self, terms: Tensor, number: int) -> Tensor:
        """[n_jets]: the sum of the terms of value ``number`` that belong to each jet."""
        if self.places is not None:
            return _by_jet(terms, number, self.places, self.n_jets)
        memory = terms.untyped_storage()
        if memory.nbytes() != terms.nbytes or not _covers(terms):
            return sums(terms)[None]
        key = memory._cdata, terms.numel()  # rows keep their terms while these sums are taken
        if key not in self._known:
            self._known[key] = sums(terms)[None]
        return self._known[key]


def _covers(terms: Tensor) -> bool:
    """Whether each element of memory stands in the terms once, given that the sizes agree."""
    return all(stride for size, stride in zip(terms.shape, terms.stride(), strict=True) if size > 1)


def sums(terms: Tensor) -> Tensor:
    """The sum of all elements in float64, of the last axis in memory in the terms' precision."""
    if terms.dtype == torch.float64 or terms.dim() < 2:
        return terms.sum(dtype=torch.float64)
    inner = min(range(terms.dim()), key=terms.stride)
    return terms.sum(inner).sum(dtype=torch.float64)


def _by_jet(terms: Tensor, number: int, places: Places, n_jets: int) -> Tensor:
    jets = jets_of(places, number)
    if jets.dim() != terms.dim() or any(
        size == 1 != full for size, full in zip(terms.shape, jets.shape, strict=True)
    ):
        raise MixedJets
    summed = [axis for axis, size in enumerate(jets.shape) if size == 1]
    values = terms.sum(summed, keepdim=True, dtype=torch.float64) if summed else terms.double()
    total = values.new_zeros(n_jets)
    return total.index_add_(0, jets.reshape(-1), values.reshape(-1))


def ledgers(rows: Sequence[Row], n_jets: int = 1, places: Places | None = None) -> list[Ledger]:
    """A ledger for each jet; with several, ``places`` tells whose each element is.

    Raises PropagationError if a sum is not finite, MixedJets if a value is of no one jet.
    """
    total = _Sums(n_jets, places)
    nothing = torch.zeros(n_jets, dtype=torch.float64)
    columns: list[Tensor] = []
    for row in rows:
        received = nothing
        for number, part in row.received:
            received = received + total(part, number)
        bias = nothing
        if row.bias is not None:
            bias = bias + total(row.bias, row.output)
        for _, part in row.constants:
            if places is None or bool((part != 0).any()):
                bias = bias + total(part, row.output)
        epsilon = nothing
        if row.epsilon is not None:
            epsilon = total(row.epsilon, row.output)
        passed = [total(part, number) for number, part, _ in row.passed]
        columns += [received, bias, epsilon, *passed]
    numbers = torch.stack(columns).T.tolist() if columns else [[] for _ in range(n_jets)]
    if not math.isfinite(sum(map(sum, numbers))):
        raise PropagationError("relevance overflowed; explain this jet with dtype='float64'")
    found = []
    for jet in numbers:
        left, lines = iter(jet), []
        for row in rows:
            received, bias, epsilon = next(left), next(left), next(left)
            got: dict[str, float] = {}
            inputs: dict[str, str] = {}
            for _, _, origin in row.passed:
                alone = len(row.passed) == 1
                port = f"{row.stage}:{'input' if alone else len(got) + 1}"
                got[port], inputs[port] = next(left), origin
            lines.append(LedgerRow(row.stage, received, got, bias, epsilon, inputs))
        found.append(Ledger(tuple(lines)))
    return found
