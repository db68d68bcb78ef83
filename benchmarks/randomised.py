"""Does an explanation depend on what the network learned? Compare it with one of random weights.

    python benchmarks/randomised.py JETS.root MODEL.pth DEFINITIONS.yml [--jets N]

For N jets and each rule, the relevance of columns and the significance of edges by the trained
network and by the same network with weights drawn anew: the median rank correlation (Spearman) over
the jets. Near 1, the explanation says more of the jet than of what was learned.
"""

from __future__ import annotations

import argparse
import copy

import numpy as np
import pandas as pd
import torch

import lrp_core

RULES = {
    "LRP-0": lrp_core.Zero(),
    "LRP-ε 0.01": lrp_core.Epsilon(0.01),
    "LRP-γ 1 (default)": lrp_core.Gamma(1.0),
    "z⁺": lrp_core.ZPlus(),
}


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(pd.Series(a).corr(pd.Series(b), method="spearman"))


def randomised(model: lrp_core.Model) -> lrp_core.Model:
    """The same network with the weights of its Linear layers drawn anew."""
    torch.manual_seed(0)
    network = copy.deepcopy(model.network)
    for module in network.modules():
        if isinstance(module, torch.nn.Linear):
            module.reset_parameters()
    return lrp_core.Model(network, model.columns, model.classes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("jets")
    parser.add_argument("model")
    parser.add_argument("definitions")
    parser.add_argument("--jets", dest="n_jets", type=int, default=100)
    given = parser.parse_args()
    model = lrp_core.load_model(given.model, given.definitions)
    other = randomised(model)
    jets = lrp_core.open_jets(given.jets)[: given.n_jets]
    print(f"{len(jets)} jets\n")
    print("| rule | columns, signed | columns, by size | edge significance |")
    print("| --- | --- | --- | --- |")
    for name, rule in RULES.items():
        pairs = zip(
            lrp_core.explain_batch(model, jets, rule=rule),
            lrp_core.explain_batch(other, jets, rule=rule),
            strict=True,
        )
        rows = []
        for ours, random in pairs:
            mine, theirs = ours.track_relevance.sum(axis=0), random.track_relevance.sum(axis=0)
            edges = rank_correlation(ours.edge_significance, random.edge_significance)
            sizes = rank_correlation(np.abs(mine), np.abs(theirs))
            rows.append((rank_correlation(mine, theirs), sizes, edges))
        cells = " | ".join(f"{value:.2f}" for value in np.median(rows, axis=0))
        print(f"| {name} | {cells} |")


if __name__ == "__main__":
    main()
