"""The conservation error of every rule, bias policy, target and dtype, the worst over all jets.

    python benchmarks/conservation.py JETS.root MODEL.pth DEFINITIONS.yml [--jets N]

Prints a table in Markdown: for each rule and policy the largest error over jets and targets, and
the jet it belongs to. The margin of one of two classes is minus that of the other, so only one of
them is measured. A thousand jets take about half an hour.
"""

from __future__ import annotations

import argparse
import time

import lrp_core
from lrp_core.rules import Rule, with_bias

RULES: tuple[Rule, ...] = (
    lrp_core.Zero(),
    lrp_core.Epsilon(0.01),
    lrp_core.Epsilon(1e-9),
    lrp_core.Epsilon(0.1, relative=True),
    lrp_core.Gamma(1.0),
    lrp_core.Gamma(0.1),
    lrp_core.AlphaBeta(2.0, 1.0),
    lrp_core.ZPlus(),
    lrp_core.Flat(),
    lrp_core.WSquare(),
)
AT_ONCE = 64


def targets(model: lrp_core.Model) -> tuple[str, ...]:
    """The targets that differ by more than their sign."""
    if len(model.classes) > 2:
        return model.targets
    return tuple(name for name in model.targets if not name.startswith("margin:"))


def worst(model: lrp_core.Model, jets: list[lrp_core.Jet], rule: Rule, dtype: str) -> str:
    """The largest conservation error over jets and targets, and whose it is."""
    found = (0.0, "", "")
    for target in targets(model):
        for start in range(0, len(jets), AT_ONCE):
            some = jets[start : start + AT_ONCE]
            for explanation in lrp_core.explain_batch(
                model, some, target=target, rule=rule, dtype=dtype
            ):
                if not explanation.conservation_error <= found[0]:  # NaN counts as worst
                    found = (explanation.conservation_error, explanation.jet_id, target)
    error, jet_id, target = found
    return f"{error:.1e} ({jet_id.rpartition(':')[2]}, {target})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("jets")
    parser.add_argument("model")
    parser.add_argument("definitions")
    parser.add_argument("--jets", dest="n_jets", type=int, help="only the first N jets")
    given = parser.parse_args()
    model = lrp_core.load_model(given.model, given.definitions)
    jets = list(lrp_core.open_jets(given.jets)[: given.n_jets])
    print(f"{len(jets)} jets, targets {', '.join(targets(model))}; in brackets: jet, target\n")
    print("| rule | bias | float64 | float32 |\n| --- | --- | --- | --- |")
    start = time.perf_counter()
    for rule in RULES:
        for policy in ("account", "spread"):
            this = with_bias(rule, policy)
            dtypes = ("float64",) if this.needs_float64 else ("float64", "float32")
            cells = [worst(model, jets, this, dtype) for dtype in dtypes]
            cells += ["computed in float64"] * (2 - len(cells))
            name = str(rule).replace("bias=account", "").rstrip("), ").rstrip("(")
            name += ")" if "(" in name else ""
            print(f"| {name} | {policy} | {cells[0]} | {cells[1]} |", flush=True)
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
