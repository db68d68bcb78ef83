"""Does edge significance stay within the prongs of a jet, or join them?

    python benchmarks/prongs.py JETS.root MODEL.pth DEFINITIONS.yml [--jets N]
    python benchmarks/prongs.py        (the jets and the network that come along)

Prints how well the subjets' places fit the distances of the tracks, over all jets; then, for N jets
spread over the file and each label, the median share of the edge significance between the two
subjets, the median of what it would be if it were spread evenly, and for how many jets it is the
larger one.
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np

import lrp_core

RULES = ("default", "zero", "epsilon(0.01)", "z_plus")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("jets", nargs="?")
    parser.add_argument("model", nargs="?")
    parser.add_argument("definitions", nargs="?")
    parser.add_argument("--jets", dest="n_jets", type=int, default=300)
    given = parser.parse_args()
    model = lrp_core.load_model(given.model, given.definitions)
    jets = list(lrp_core.open_jets(given.jets))

    axes = [lrp_core.subjet_axes(jet) for jet in jets]
    found = Counter(len(of_jet) for of_jet in axes)
    residuals = [axis.residual for of_jet in axes for axis in of_jet]
    told = ", ".join(f"{found[number]} with {number}" for number in (2, 1, 0))
    print(f"{len(jets)} jets: {told} subjets whose place is known")
    print(f"residual: median {np.median(residuals):.1e}, largest {max(residuals):.1e}\n")

    chosen = np.unique(np.linspace(0, len(jets) - 1, given.n_jets).astype(int))
    some = [jets[index] for index in chosen]
    print("| rule | label | jets | between | spread evenly | more than evenly |")
    print("| --- | --- | --- | --- | --- | --- |")
    for rule in RULES:
        explanations = lrp_core.explain_batch(model, some, rule=rule)
        pairs = [
            (jet.label, lrp_core.prongs(explanation, jet))
            for jet, explanation in zip(some, explanations, strict=True)
        ]
        for label in ("hbb", "qcd"):
            shares = np.array(
                [(p.between, p.even_between) for name, p in pairs if p and name == label]
            )
            between, even = np.median(shares, axis=0)
            more = (shares[:, 0] > shares[:, 1]).mean()
            print(f"| {rule} | {label} | {len(shares)} | {between:.1%} | {even:.1%} | {more:.0%} |")


if __name__ == "__main__":
    main()
