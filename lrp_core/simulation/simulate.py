"""Make a sample of jets: plan blocks, let processes make them, write what the spectrum wants."""

from __future__ import annotations

import multiprocessing
import platform
import signal as signals
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from lrp_core.errors import SimulationError
from lrp_core.simulation.block import BLOCK_EVENTS, Jets, Task, make_block, slice_of
from lrp_core.simulation.fat_jets import silent_banner
from lrp_core.simulation.generator import Generator, import_extra
from lrp_core.simulation.jet_file import CHUNK_JETS, JetFile, content_hash
from lrp_core.simulation.pileup import POOL_EVENTS, Pool, make_pool
from lrp_core.simulation.samples import PT_BINS, SLICES
from lrp_core.simulation.shaping import Shaper

TITLE = "Pythia 8 with a parametrised CMS-like tracker"
POOL_KEY = 1 << 40
"""Spawn key of the pileup pool's seed, out of the way of the blocks' numbers."""


@dataclass(frozen=True)
class Sample:
    """What was written: where, how many jets of each kind, from how many events, in how long.

    content_hash: SHA-256 over the branches, the same for the same seed and numbers. complete: False
    if it was stopped before all jets were there.
    """

    path: Path
    n_signal: int
    n_background: int
    n_events: int
    seconds: float
    content_hash: str
    complete: bool


class Workshop:
    """What makes blocks in one process: the pileup pool, and a generator per slice, set up once."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._generators: dict[tuple[str, int], Generator] = {}

    def make(self, task: Task) -> Jets:
        """The jets of one block."""
        piece = (task.process, task.slice)
        if piece not in self._generators:
            self._generators[piece] = slice_of(task)
        return make_block(task, self._generators[piece], self._pool)


_workshop: Workshop | None = None


def _enter_worker(pool_file: str) -> None:
    """Set a worker process up; Ctrl-C is the parent's to answer."""
    global _workshop
    signals.signal(signals.SIGINT, signals.SIG_IGN)
    with silent_banner():
        _first_clustering()
    _workshop = Workshop(_read_pool(pool_file))


def _work(task: Task) -> Jets:
    if _workshop is None:
        raise SimulationError("a worker process was not set up")
    return _workshop.make(task)


def _make_pool(n_events: int, seed: int) -> Pool:
    return make_pool(n_events, np.random.SeedSequence(seed, spawn_key=(POOL_KEY,)))


def _write_pool(pool: Pool, path: str) -> None:
    import pickle

    Path(path).write_bytes(pickle.dumps(pool))


def _read_pool(path: str) -> Pool:
    import pickle

    pool: Pool = pickle.loads(Path(path).read_bytes())
    return pool


def _nothing() -> None:
    """Work that starts the workers and nothing else."""


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes started meanwhile never hear Ctrl-C, not even before they are set up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signals.signal(signals.SIGINT, signals.SIG_IGN)
    try:
        yield
    finally:
        signals.signal(signals.SIGINT, before)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C waits until this is over: a file is not left half written."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    before = signals.signal(signals.SIGINT, lambda number, _frame: heard.append(number))
    try:
        yield
    finally:
        signals.signal(signals.SIGINT, before)
    if heard:
        raise KeyboardInterrupt


class Makers:
    """One or several processes that make blocks and hand them back in order."""

    def __init__(self, processes: int, pool_events: int, seed: int) -> None:
        self._executor: ProcessPoolExecutor | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._workshop: Workshop | None = None
        pool = _make_pool(pool_events, seed)
        if processes == 1:
            self._workshop = Workshop(pool)
            return
        self._folder = tempfile.TemporaryDirectory(prefix="jetlrp-")
        pool_file = str(Path(self._folder.name) / "pileup.pickle")
        _write_pool(pool, pool_file)
        self._executor = ProcessPoolExecutor(
            processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_enter_worker,
            initargs=(pool_file,),
        )
        with _deaf_children():
            self._executor.submit(_nothing).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
        if self._folder is not None:
            self._folder.cleanup()

    def make(self, tasks: list[Task]) -> Iterator[Jets]:
        """The jets of each task, in the order of the tasks."""
        if self._workshop is not None:
            yield from map(self._workshop.make, tasks)
        elif self._executor is not None:
            try:
                yield from self._executor.map(_work, tasks)
            except BrokenProcessPool as error:
                raise SimulationError(
                    "a process that made jets ended unexpectedly (out of memory?); "
                    "try again with fewer --processes"
                ) from error


def simulate(
    n_signal: int,
    n_background: int,
    seed: int,
    out: str | Path,
    processes: int = 1,
    progress: bool = False,
    *,
    pool_events: int = POOL_EVENTS,
) -> Sample:
    """Make jets and write them to a ROOT file: Pythia 8 with a parametrised CMS-like tracker.

    n_signal: jets of H -> bb; n_background: jets of QCD; both count jets that are written, after
    the pT spectrum has been shaped. seed: the same seed and numbers give the same arrays, whatever
    the number of processes. pool_events: minimum-bias events that pileup is drawn from.
    Ctrl-C stops between two blocks and keeps the jets written so far (``complete`` False).
    Raises SimulationError if a number is not possible or the extra ``simulate`` is not installed.
    """
    out = Path(out)
    _check(n_signal, n_background, seed, out, processes, pool_events)
    import_extra("pythia8mc")
    with silent_banner():
        import_extra("fastjet")
        _first_clustering()
    started = time.monotonic()
    shaper = Shaper(n_signal, n_background, seed)
    written = [0, 0]
    complete = False
    with JetFile(out) as file, _bar(n_signal + n_background, progress) as bar:
        file.provenance = _provenance(n_signal, n_background, seed, pool_events)
        try:
            with Makers(processes, pool_events, seed) as makers:
                while not shaper.done:
                    tasks = shaper.plan()
                    for task, jets in zip(tasks, makers.make(tasks), strict=True):
                        shaper.add(task, jets)
                        bar(shaper.n_ready)
                        with _undisturbed():
                            while (chunk := shaper.next_chunk(CHUNK_JETS)) is not None:
                                file.write(chunk)
                                written[0] += int(chunk.per_jet["label_H_bb"].sum())
                                written[1] += int(chunk.per_jet["sample_isQCD"].sum())
            complete = True
        except KeyboardInterrupt:
            pass
        file.provenance["complete"] = complete
        file.provenance["n_written"] = file.n_jets
    return Sample(
        path=out,
        n_signal=written[0],
        n_background=written[1],
        n_events=shaper.n_blocks * BLOCK_EVENTS,
        seconds=time.monotonic() - started,
        content_hash=content_hash(out) if file.n_jets else "",
        complete=complete,
    )


def _check(
    n_signal: int, n_background: int, seed: int, out: Path, processes: int, pool_events: int
) -> None:
    if n_signal < 0 or n_background < 0 or n_signal + n_background == 0:
        raise SimulationError(
            f"{n_signal} signal and {n_background} background jets were asked for; "
            "ask for at least one jet, and for none below zero"
        )
    if seed < 0:
        raise SimulationError(f"the seed is {seed}; it must be 0 or above")
    if processes < 1:
        raise SimulationError(f"{processes} processes were asked for; it takes at least 1")
    if pool_events < 1:
        raise SimulationError(f"a pileup pool of {pool_events} events; it takes at least 1")
    if not out.parent.is_dir():
        raise SimulationError(f"{out}: there is no folder {out.parent}; make it first")
    if out.is_dir():
        raise SimulationError(f"{out} is a folder; give the name of a file to write")


def _provenance(n_signal: int, n_background: int, seed: int, pool_events: int) -> dict[str, Any]:
    """What it takes to make the file again."""
    return {
        "title": TITLE,
        "n_signal": n_signal,
        "n_background": n_background,
        "seed": seed,
        "pool_events": pool_events,
        "block_events": BLOCK_EVENTS,
        "pt_bins_gev": list(PT_BINS),
        "slices": {p: [s.name for s in pieces] for p, pieces in SLICES.items()},
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "uproot", "awkward", "fastjet")},
            "pythia8mc": version("pythia8mc"),
        },
    }


def _first_clustering() -> None:
    """FastJet prints its banner at the first clustering; this one is for that."""
    fastjet = import_extra("fastjet")
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, 0.8)
    fastjet.ClusterSequence([fastjet.PseudoJet(1.0, 0.0, 0.0, 1.0)], definition)


class _bar:
    """A progress bar of jets that are ready, or nothing."""

    def __init__(self, total: int, show: bool) -> None:
        self._progress: Any = None
        if show:
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            self._progress = Progress(
                TextColumn("jets"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
            )
            self._task = self._progress.add_task("jets", total=total)

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, ready: int) -> None:
        if self._progress is not None:
            self._progress.update(self._task, completed=ready)
