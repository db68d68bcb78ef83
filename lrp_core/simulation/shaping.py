"""The spectrum: how many jets of which pT are wanted, in which order, and which blocks to make."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from lrp_core.simulation.block import BLOCK_EVENTS, Jets, Task
from lrp_core.simulation.samples import BACKGROUND, PT_BINS, PT_SHAPE, SIGNAL, SLICES

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

HORIZON_JETS = 2000
"""Blocks are planned for the jets that will be written next, this many."""

ROUND_BLOCKS = 16
"""Blocks planned at once. What is planned never depends on how many processes make them."""

GUESS_EVENTS = 50.0
"""How many events the guessed yields of a slice count for against those that were seen."""

N_BINS = len(PT_BINS) - 1


def wanted_per_bin(n_jets: int, process: str) -> Integers:
    """How many of ``n_jets`` jets of a process belong in each bin of pT (largest remainders)."""
    shape = np.array(PT_SHAPE[process], dtype=np.float64)
    exact = n_jets * shape / shape.sum()
    whole = np.floor(exact).astype(np.int64)
    rest = np.argsort(whole - exact, kind="stable")[: n_jets - int(whole.sum())]
    whole[rest] += 1
    return np.asarray(whole)


def spread_slots(wanted: Integers) -> Integers:
    """Kinds of jet in an order in which every part of the sample has all kinds in proportion.

    wanted [n_kinds] -> kind of each slot [sum of wanted].
    """
    kind = np.repeat(np.arange(len(wanted)), wanted)
    first = np.cumsum(wanted) - wanted
    place = (np.arange(len(kind)) - first[kind] + 0.5) / wanted[kind]
    return kind[np.argsort(place, kind="stable")]


class Shaper:
    """Takes blocks of jets in order and hands out jets that follow the wanted spectrum.

    A kind of jet is a process and a bin of pT: ``kind = 12 * (process is background) + bin``.
    """

    def __init__(self, n_signal: int, n_background: int, seed: int) -> None:
        self.seed = seed
        self.n_blocks = 0
        self._slots = spread_slots(
            np.concatenate(
                [wanted_per_bin(n_signal, SIGNAL), wanted_per_bin(n_background, BACKGROUND)]
            )
        )
        self._filled = 0
        self._waiting: list[deque[Jets]] = [deque() for _ in range(2 * N_BINS)]
        self._pieces = [(p, i) for p in (SIGNAL, BACKGROUND) for i in range(len(SLICES[p]))]
        self._events = dict.fromkeys(self._pieces, GUESS_EVENTS)
        self._jets = {
            (p, i): _kinds(p, GUESS_EVENTS * np.array(SLICES[p][i].jets_per_event))
            for p, i in self._pieces
        }

    @property
    def n_ready(self) -> int:
        """Jets handed out already, and those that wait and are wanted."""
        return self._filled + sum(len(queue) for queue in self._waiting)

    @property
    def done(self) -> bool:
        """Whether every jet has been handed out."""
        return self._filled == len(self._slots)

    def plan(self) -> list[Task]:
        """The next blocks to make, each of the slice that is expected to give most missing jets."""
        horizon = self._slots[self._filled : self._filled + HORIZON_JETS]
        missing = np.bincount(horizon, minlength=2 * N_BINS).astype(np.float64)
        missing -= [len(queue) for queue in self._waiting]
        missing = np.maximum(missing, 0.0)
        tasks: list[Task] = []
        while len(tasks) < ROUND_BLOCKS and (missing.max(initial=0.0) >= 0.5):
            gain = {
                piece: np.minimum(missing, BLOCK_EVENTS * self._jets[piece] / self._events[piece])
                for piece in self._pieces
            }
            best = max(self._pieces, key=lambda piece: float(gain[piece].sum()))
            missing = missing - gain[best]
            tasks.append(Task(self.n_blocks + len(tasks), *best, self.seed))
        self.n_blocks += len(tasks)
        return tasks

    def add(self, task: Task, jets: Jets) -> None:
        """Take the jets of a block; those of kinds that are not wanted any more are dropped."""
        piece = (task.process, task.slice)
        bins = np.digitize(jets.per_jet["fj_pt"].astype(np.float64), PT_BINS) - 1
        kinds = np.clip(bins, 0, N_BINS - 1) + (0 if task.process == SIGNAL else N_BINS)
        self._events[piece] += BLOCK_EVENTS
        self._jets[piece] = self._jets[piece] + np.bincount(kinds, minlength=2 * N_BINS)
        still = np.bincount(self._slots[self._filled :], minlength=2 * N_BINS)
        for row, kind in enumerate(kinds):
            if len(self._waiting[kind]) < still[kind]:
                self._waiting[kind].append(jets.take(np.array([row])))

    def next_chunk(self, n_jets: int) -> Jets | None:
        """The next ``n_jets`` jets (fewer at the very end), shuffled; None until they are there."""
        slots = self._slots[self._filled : self._filled + n_jets]
        need = np.bincount(slots, minlength=2 * N_BINS)
        if len(slots) == 0 or any(len(q) < n for q, n in zip(self._waiting, need, strict=True)):
            return None
        chosen = [self._waiting[kind].popleft() for kind in slots]
        order = np.random.default_rng([self.seed, self._filled]).permutation(len(chosen))
        self._filled += len(slots)
        return Jets.join([chosen[i] for i in order])


def _kinds(process: str, per_bin: Array) -> Array:
    """Numbers per bin of pT of one process, among those of both processes."""
    nothing = np.zeros(N_BINS)
    parts = (per_bin, nothing) if process == SIGNAL else (nothing, per_bin)
    return np.concatenate(parts)
