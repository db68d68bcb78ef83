"""A whole file of jets into one file of relevance: jets per second, size and memory.

    python benchmarks/streaming.py JETS.root MODEL.pth DEFINITIONS.yml [--threads 2] [--repeat 5]

Once with reading and writing beside the explaining, as it is, and once after one another. Runs
alternate, the fastest counts. The processor time is that of the run in a row.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import torch

import lrp_core
from lrp_core import streaming

THREADS = streaming.ThreadPoolExecutor
WORK = [("zero", "summary"), ("gamma(1.0)", "summary"), ("zero", "none"), ("zero", "full")]


class InARow(Executor):
    """Does what it is given at once, in the caller's thread."""

    def __init__(self, max_workers: int) -> None:
        pass

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def once(given: argparse.Namespace, model: Any, rule: str, edges: str) -> tuple[float, float, int]:
    """-> seconds, processor seconds, bytes of the file."""
    with tempfile.TemporaryDirectory() as folder, lrp_core.open_jets(given.jets) as jets:
        out = Path(folder) / "relevance.parquet"
        start, used = time.perf_counter(), time.process_time()
        lrp_core.explain_files(model, jets, out, rule=rule, edges=edges)
        used, taken = time.process_time() - used, time.perf_counter() - start
        return taken, used, out.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("jets")
    parser.add_argument("model")
    parser.add_argument("definitions")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    model = lrp_core.load_model(given.model, given.definitions)
    with lrp_core.open_jets(given.jets) as jets:
        n_jets = len(jets)
    once(given, model, "zero", "summary")  # imports, and everything for the first time
    print(f"{n_jets} jets, {given.threads} threads")
    print("| rule | edges | in a row | overlapped | processor time | file | peak memory |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for rule, edges in WORK:
        best: dict[Any, list[float]] = {THREADS: [], InARow: []}
        used, size = [], 0
        for _ in range(given.repeat):
            for executor, times in best.items():
                streaming.ThreadPoolExecutor = executor
                taken, processor, size = once(given, model, rule, edges)
                times.append(taken)
                if executor is InARow:
                    used.append(processor)
        rates = [f"{n_jets / min(best[one]):.0f} jets/s" for one in (InARow, THREADS)]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        cells = [rule, edges, *rates, f"{1e3 * min(used) / n_jets:.2f} ms/jet"]
        cells += [f"{size / n_jets / 1e3:.1f} kB/jet", f"{memory:.0f} MiB"]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
