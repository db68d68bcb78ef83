"""The zoo of networks: what their tapes hold, what is lost, and what an explanation costs.

    python benchmarks/zoo.py [--sizes 16,32,64,118] [--repeats N] [--no-times]

The networks are those of tests/zoo, with random weights. The first table: operations on the tape,
those that were linearised, the largest conservation error of each rule (float64, both ways of
attention), LRP-γ in float32, and where edges were found. The second: an explanation's time over the
plain forward pass of the same jet, one thread, for networks of the published sizes; CPU time, the
fastest of N, another jet of the same size each time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lrp_core
from lrp_core import Columns, Inputs, Mask
from lrp_core.tape.network import TapeModel
from tests.zoo import networks
from tests.zoo.zoo import COLUMNS, ZOO, at_random, given_to, jet, model_of

RULES = ("zero", "epsilon(0.01)", "gamma(0.25)", "alpha_beta", "z_plus", "gamma(0.25, bias=spread)")


def describe(name: str) -> str:
    model = model_of(name)
    report = model.report()
    cells = [name, str(sum(one.count for one in report.operations))]
    cells.append(", ".join(one.name for one in report.linearised) or "none")
    given = [given_to(name, n_tracks, seed) for n_tracks, seed in ((5, 0), (6, 1), (7, 2), (12, 3))]
    for rule in RULES:
        errors = [
            found.conservation_error
            for attention in ("constant", "attnlrp")
            for found in lrp_core.explain_batch(
                model, given, rule=rule, dtype="float64", attention=attention
            )
        ]
        cells.append(f"{max(errors):.0e}")
    single = lrp_core.explain_batch(model, given, rule="gamma(0.25)")
    cells.append(f"{max(found.conservation_error for found in single):.0e}")
    cells.append(", ".join(f"`{one.path}` ({one.operation})" for one in report.edges) or "none")
    return "| " + " | ".join(cells) + " |"


def interaction_network() -> TapeModel:
    model = lrp_core.load_model()
    example = jet(8, 0, model.columns)
    found = lrp_core.load_model(
        model.network, example=example, columns=model.columns, name="interaction network"
    )
    assert isinstance(found, TapeModel)
    return found


def particle_net() -> TapeModel:
    network = at_random(networks.ParticleNet(len(COLUMNS), k=16, width=128, n_blocks=3))
    layout = "jet column track"
    points = Columns("tracks", ("eta", "phi"), layout, relevance=False, pad_to=17)
    features = Columns("tracks", COLUMNS, layout)
    inputs = Inputs(points=points, features=features, mask=Mask())
    return TapeModel(network, inputs, jet(20), name="ParticleNet, 3 blocks of 128, k = 16")


def transformer() -> TapeModel:
    network = at_random(networks.ParticleTransformer(len(COLUMNS), 128, 8, 8))
    inputs = ZOO["ParticleTransformer"].inputs
    assert inputs is not None
    return TapeModel(network, inputs, jet(20), name="transformer, 8 blocks of 128, 8 heads")


def seconds(work: Callable[[lrp_core.Jet], object], jets: list[lrp_core.Jet]) -> float:
    """CPU seconds of the fastest, the first not counted."""
    found = []
    for one in jets:
        start = time.thread_time()
        work(one)
        found.append(time.thread_time() - start)
    return float(np.min(found[1:]))


def ratios(model: TapeModel, n_tracks: int, repeats: int) -> str:
    jets = [jet(n_tracks, seed, model.columns) for seed in range(repeats + 1)]

    def forward(one: lrp_core.Jet) -> object:
        arguments = prepared[id(one)]
        with torch.no_grad():
            return model.network(**arguments)

    prepared = {id(one): model.given([{"tracks": one}]).arguments for one in jets}
    plain = seconds(forward, jets)
    recording = seconds(lambda one: model.record(model.given([{"tracks": one}]), model.dtype), jets)
    times = [
        seconds(lambda one, rule=rule: lrp_core.explain(model, one, rule=rule), jets)  # type: ignore[misc]
        for rule in ("zero", "gamma(0.25)")
    ]
    cells = [model.name, str(n_tracks), f"{plain * 1e3:.1f} ms"]
    cells += [f"{value / plain:.1f}" for value in (recording, *times)]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sizes", default="16,32,64,118")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-times", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| network | operations | linearised | " + " | ".join(RULES), end=" | ")
    print("float32 | edges |\n" + "| --- " * (len(RULES) + 5) + "|")
    for name in ZOO:
        print(describe(name), flush=True)
    if given.no_times:
        return
    print(
        "\n| network | tracks | forward pass | recording | LRP-0 | LRP-γ |\n" + "| --- " * 6 + "|"
    )
    for make in (interaction_network, particle_net, transformer):
        model = make()
        for size in given.sizes.split(","):
            print(ratios(model, int(size), given.repeats), flush=True)


if __name__ == "__main__":
    main()
