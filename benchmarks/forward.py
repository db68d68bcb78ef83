"""What an explanation costs, as a ratio to the network's plain forward pass of the same jet.

    python benchmarks/forward.py JETS.root MODEL.pth DEFINITIONS.yml [--jets N] [--threads T]

For each of N jets spread over the file, the forward pass and the explanations run in turn, five
times; of each the fastest counts. Prints medians of time and ratio over the jets, by jet size.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

import lrp_core
from lrp_core.allocator import keep_freed_memory

RULES = {
    "LRP-0": lrp_core.Zero(),
    "LRP-ε": lrp_core.Epsilon(0.01),
    "LRP-γ (default)": lrp_core.Gamma(1.0),
    "z⁺": lrp_core.ZPlus(),
    "LRP-αβ": lrp_core.AlphaBeta(2.0, 1.0),
}
SIZES = ((1, 19), (20, 29), (30, 44), (45, 500))
REPEATS = 5


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def times(model: lrp_core.Model, jet: lrp_core.Jet) -> list[float]:
    """Seconds of the forward pass and of each rule's explanation, interleaved."""
    x = torch.tensor(jet.select(model.columns))
    edge_index = torch.tensor(jet.edge_index)
    network = model.network

    def forward() -> object:
        with torch.no_grad():
            return network(x, edge_index)

    works: list[Callable[[], object]] = [forward]
    works += [
        lambda rule=rule: lrp_core.explain(model, jet, rule=rule)  # type: ignore[misc]
        for rule in RULES.values()
    ]
    return np.min([[seconds(work) for work in works] for _ in range(REPEATS)], axis=0).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("jets")
    parser.add_argument("model")
    parser.add_argument("definitions")
    parser.add_argument("--jets", dest="n_jets", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    keep_freed_memory()
    model = lrp_core.load_model(given.model, given.definitions)
    files = lrp_core.open_jets(given.jets)
    chosen = np.unique(np.linspace(0, len(files) - 1, given.n_jets).astype(int))
    jets = [files[int(index)] for index in chosen]
    jets.append(files[int(files.summary().n_tracks.argmax())])
    times(model, jets[0])
    table = np.array([times(model, jet) for jet in jets])
    n_tracks = np.array([jet.n_tracks for jet in jets])
    print(f"{len(jets)} jets, {given.threads} threads, torch {torch.__version__}\n")
    print("| tracks | jets | forward pass | " + " | ".join(RULES) + " |")
    print("| --- | --- | --- |" + " --- |" * len(RULES))
    groups = [("all", n_tracks > 0)]
    groups += [(f"{low} to {high}", (n_tracks >= low) & (n_tracks <= high)) for low, high in SIZES]
    for name, mask in groups:
        if mask.any():
            part = table[mask]
            ratios = np.median(part[:, 1:] / part[:, :1], axis=0)
            cells = " | ".join(f"{ratio:.1f}" for ratio in ratios)
            print(f"| {name} | {mask.sum()} | {np.median(part[:, 0]) * 1e3:.2f} ms | {cells} |")


if __name__ == "__main__":
    main()
