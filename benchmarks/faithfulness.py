"""Do the edges a rule ranks highest matter? Remove them and see how far the network's margin moves.

    python benchmarks/faithfulness.py JETS.root MODEL.pth DEFINITIONS.yml [--jets N] [--share 0.1]

For N signal jets the given share of edges is removed, those of the highest edge significance, and
the network predicts again. Prints the median move of the margin (Hbb minus QCD logit) for each
rule and, as a yardstick, for edges removed at random.
"""

from __future__ import annotations

import argparse

import numpy as np

import lrp_core

RULES = {
    "LRP-γ, margin (default)": (lrp_core.Gamma(1.0), "margin"),
    "z⁺, margin": (lrp_core.ZPlus(), "margin"),
    "LRP-0, margin": (lrp_core.Zero(), "margin"),
    "LRP-ε 1e-9, Hbb logit (hin-lrp)": (lrp_core.Epsilon(1e-9), "hbb"),
    "LRP-ε 0.01, margin": (lrp_core.Epsilon(0.01), "margin"),
}


def without(jet: lrp_core.Jet, edges: np.ndarray) -> lrp_core.Jet:
    """The jet without these edges."""
    return lrp_core.Jet.from_arrays(
        jet.tracks, jet.columns, np.delete(jet.edge_index, edges, axis=1), jet_id=jet.jet_id
    )


def margin(model: lrp_core.Model, jets: list[lrp_core.Jet]) -> np.ndarray:
    weights = np.array(model.target("margin").weights)
    return np.asarray(lrp_core.predict(model, jets) @ weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("jets")
    parser.add_argument("model")
    parser.add_argument("definitions")
    parser.add_argument("--jets", dest="n_jets", type=int, default=100)
    parser.add_argument("--share", type=float, default=0.1)
    given = parser.parse_args()
    model = lrp_core.load_model(given.model, given.definitions)
    files = lrp_core.open_jets(given.jets)
    table = files.summary()
    signal = table.index[(table.label == "hbb") & table.problem.isna() & (table.n_tracks > 1)]
    jets = [files[int(index)] for index in signal[: given.n_jets]]
    before = margin(model, jets)
    count = [max(1, round(given.share * jet.n_edges)) for jet in jets]
    random = np.random.default_rng(0)
    print(f"{len(jets)} signal jets, {given.share:.0%} of the edges removed\n")
    print("| edges removed | median move of the margin |\n| --- | --- |")
    chance = [random.permutation(jet.n_edges)[:k] for jet, k in zip(jets, count, strict=True)]
    after = margin(model, [without(jet, cut) for jet, cut in zip(jets, chance, strict=True)])
    print(f"| at random | {np.median(np.abs(after - before)):.3f} |")
    for name, (rule, target) in RULES.items():
        explained = lrp_core.explain_batch(model, jets, rule=rule, target=target)
        cuts = [
            np.argsort(-one.edge_significance)[:k] for one, k in zip(explained, count, strict=True)
        ]
        after = margin(model, [without(jet, cut) for jet, cut in zip(jets, cuts, strict=True)])
        print(f"| {name} | {np.median(np.abs(after - before)):.3f} |")


if __name__ == "__main__":
    main()
