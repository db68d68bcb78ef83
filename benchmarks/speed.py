"""How fast jets are explained, beside the network's plain forward pass and what else people use.

    make bench [ARGS="--threads 1"]
    python benchmarks/speed.py [JETS.root MODEL.pth DEFINITIONS.yml] [--threads T ...] [--repeats N]

Without files, the jets of ../shared/cms-open-data where they are, else those that come along.
Everything runs in one process, in turn, on the same jet; of each the median counts, and the ratio
to the forward pass is taken within each turn. Rivals that are not installed are left out by name.
Freed memory is kept, for all that is measured, as the service has it; --default-memory leaves glibc
alone. Prints tables in Markdown, first for one thread and then for as many as there are cores.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import os
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import lrp_core
from lrp_core.allocator import keep_freed_memory
from lrp_core.products import product

SHARED = Path(__file__).resolve().parents[2] / "shared" / "cms-open-data"
SIZES = (16, 32, 64, 118)
BATCHES = (1, 16, 128)
N_SPREAD = 25  # jets spread over the file
FORWARD = "plain forward pass"
STEPS = 50  # of integrated gradients
SLOW = "captum"  # has one jet of each size, in one turn
PAIRS_AT_ONCE = 40_000  # edges that integrated gradients may hold at a time
BLOCKS = ("edge_model.edge_mlp", "node_model.node_mlp_1", "node_model.node_mlp_2")
Work = Callable[[lrp_core.Jet], Callable[[], object]]


def inputs(model: lrp_core.Model, jet: lrp_core.Jet) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(jet.select(model.columns)), torch.tensor(jet.edge_index)


def margin(logits: torch.Tensor, weights: tuple[float, ...]) -> torch.Tensor:
    return logits @ logits.new_tensor(weights)


def ours(model: lrp_core.Model) -> dict[str, Work]:
    """The forward pass, both engines, and gradient x input."""
    weights = model.target("margin").weights

    def forward(jet: lrp_core.Jet) -> Callable[[], object]:
        x, edge_index = inputs(model, jet)

        def work() -> object:
            with torch.no_grad():
                return model.network(x, edge_index)

        return work

    def explaining(rule: lrp_core.Rule, engine: str) -> Work:
        return lambda jet: lambda: lrp_core.explain(model, jet, rule=rule, engine=engine)

    def gradient(jet: lrp_core.Jet) -> Callable[[], object]:
        x, edge_index = inputs(model, jet)
        x.requires_grad_()

        def work() -> object:
            (found,) = torch.autograd.grad(margin(model.network(x, edge_index), weights).sum(), x)
            return found * x.detach()

        return work

    zero, gamma = lrp_core.Zero(), lrp_core.Gamma(1.0)
    return {
        FORWARD: forward,
        "fast path, LRP-0": explaining(zero, "auto"),
        "fast path, LRP-γ (default)": explaining(gamma, "auto"),
        "general engine, LRP-0": explaining(zero, "general"),
        "general engine, LRP-γ": explaining(gamma, "general"),
        "gradient × input": gradient,
    }


def zennit(model: lrp_core.Model) -> Work:
    """LRP-ε of the tracks' columns; which BatchNorm belongs to which Linear is told by hand."""
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError):
        # Built for another torch. zennit only wants to see two of its classes, not used here.
        resnet = types.ModuleType("torchvision.models.resnet")
        resnet.Bottleneck = resnet.BasicBlock = torch.nn.Module  # type: ignore[attr-defined]
        for name in ("torchvision", "torchvision.models"):
            sys.modules[name] = types.ModuleType(name)
        sys.modules["torchvision.models.resnet"] = resnet
    canonizers = importlib.import_module("zennit.canonizers")
    composites = importlib.import_module("zennit.composites")
    rules = importlib.import_module("zennit.rules")
    names = [f"interactionnetwork.{name}" for name in BLOCKS]
    names.append("interactionnetwork.global_model.global_mlp")
    merge = canonizers.NamedMergeBatchNorm([((f"{name}.0",), f"{name}.1") for name in names])
    composite = composites.LayerMapComposite(
        [(torch.nn.Linear, rules.Epsilon(1e-6)), (torch.nn.ReLU, rules.Pass())],
        canonizers=[merge],
    )
    network = copy.deepcopy(model.network)
    composite.register(network)
    weights = model.target("margin").weights

    def start(jet: lrp_core.Jet) -> Callable[[], object]:
        x, edge_index = inputs(model, jet)
        x.requires_grad_()

        def work() -> object:
            logits = network(x, edge_index)
            return torch.autograd.grad(logits, x, logits.detach() * logits.new_tensor(weights))

        return work

    return start


def captum(model: lrp_core.Model) -> Work:
    """Integrated gradients of the tracks' columns, from zero."""
    attr = importlib.import_module("captum.attr")
    weights = model.target("margin").weights

    def start(jet: lrp_core.Jet) -> Callable[[], object]:
        x, edge_index = inputs(model, jet)
        n = len(x)

        def forward(jets: torch.Tensor) -> torch.Tensor:
            offsets = torch.arange(len(jets)) * n
            edges = (edge_index[:, None] + offsets[:, None]).flatten(1)
            batch = torch.arange(len(jets)).repeat_interleave(n)
            return margin(model.network(jets.flatten(0, 1), edges, batch), weights)

        method = attr.IntegratedGradients(forward)
        at_once = max(1, PAIRS_AT_ONCE // max(1, edge_index.shape[1]))
        return lambda: method.attribute(x[None], n_steps=STEPS, internal_batch_size=at_once)

    return start


def works(model: lrp_core.Model) -> tuple[dict[str, Work], list[str]]:
    """Everything that is measured, and why what is not is missing."""
    found, missing = ours(model), []
    rivals = {"zennit, Epsilon": zennit, f"captum, integrated gradients ({STEPS} steps)": captum}
    for name, make in rivals.items():
        try:
            found[name] = make(model)
        except (
            ImportError,
            RuntimeError,
        ) as error:  # torchvision of another torch raises the latter
            missing.append(f"{name}: not installed ({error})")
    return found, missing


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measured(some: dict[str, Callable[[], object]], repeats: int) -> np.ndarray:
    """Seconds of every work in every turn [repeats, works]; slow ones have one turn."""
    table = np.full((repeats, len(some)), np.nan)
    for name, work in some.items():
        if SLOW not in name:
            work()
    for turn in range(repeats):
        for number, (name, work) in enumerate(some.items()):
            if SLOW not in name or not turn:
                table[turn, number] = seconds(work)
    return table


def by_size(model: lrp_core.Model, jets: Any, repeats: int) -> None:
    """Medians and ratios to the forward pass, by size and over jets spread over the file."""
    found, missing = works(model)
    counts, (own, ours) = multiply_adds(model), rates(model)
    n_tracks = np.asarray(jets.summary().n_tracks)
    columns = {
        f"{size} tracks": np.argsort(abs(n_tracks - size), kind="stable")[:3] for size in SIZES
    }
    columns[f"median of {N_SPREAD}"] = np.unique(
        np.linspace(0, len(jets) - 1, N_SPREAD).astype(int)
    )
    cells: dict[str, list[str]] = {name: [] for name in found}
    for name in counts:
        cells[f"{name}: products alone"] = []
    for head, chosen in columns.items():
        times: dict[str, list[float]] = {name: [] for name in cells}
        ratios: dict[str, list[float]] = {name: [] for name in cells}
        for number, index in enumerate(chosen):
            jet = jets[int(index)]
            some = {
                name: work(jet)
                for name, work in found.items()
                if SLOW not in name or (number == 0 and head.endswith("tracks"))
            }
            table = measured(some, repeats)
            each = dict(zip(some, np.nanmedian(table, axis=0), strict=True))
            relative = dict(zip(some, np.nanmedian(table / table[:, :1], axis=0), strict=True))
            for name, count in counts.items():
                least = jet.n_edges * count / (own if name == FORWARD else ours)
                each[f"{name}: products alone"] = least
                relative[f"{name}: products alone"] = least / each[FORWARD]
            for name in each:
                times[name].append(float(each[name]))
                ratios[name].append(float(relative[name]))
        for name, row in cells.items():
            took, ratio = times[name], ratios[name]
            row.append(f"{np.median(took) * 1e3:.2f} ms, {np.median(ratio):.2f}" if took else "–")
    print(f"| | {' | '.join(columns)} |\n| --- |{' --- |' * len(columns)}")
    for name, row in cells.items():
        print(f"| {name} | {' | '.join(row)} |")
    for line in missing:
        print(f"\n{line}")
    sys.stdout.flush()


def whole_file(model: lrp_core.Model, jets: list[lrp_core.Jet]) -> None:
    """Jets per second through all of them."""
    print(f"\n| jets per second, {len(jets)} jets | one at a time | 16 | 128 |")
    print("| --- | --- | --- | --- |")
    found, _ = works(model)
    rivals = [name for name in found if name == FORWARD or "zennit" in name]
    for name in rivals:
        took = sum(seconds(found[name](jet)) for jet in jets)
        print(f"| {name} | {len(jets) / took:.0f} | | |", flush=True)
    for rule in (lrp_core.Zero(), lrp_core.Gamma(1.0)):
        for edges in ("full", "summary"):
            cells = []
            for batch in BATCHES:
                packs = [jets[at : at + batch] for at in range(0, len(jets), batch)]
                start = time.perf_counter()
                for pack in packs:
                    lrp_core.explain_batch(model, pack, rule=rule, edges=edges)
                cells.append(f"{len(jets) / (time.perf_counter() - start):.0f}")
            print(f"| fast path, {rule.title}, edges {edges} | {' | '.join(cells)} |", flush=True)


def multiply_adds(model: lrp_core.Model) -> dict[str, int]:
    """Multiply-adds of an edge; what is done once per track is left out."""
    hidden = model.network.interactionnetwork.edge_model.edge_mlp[0].out_features
    f, square = len(model.columns), hidden * hidden
    return {
        FORWARD: 2 * f * hidden + 3 * square + f * hidden,
        "LRP-0": 2 * square + 3 * f * hidden,
        "LRP-γ": 12 * square + 6 * f * hidden,
    }


def rates(model: lrp_core.Model) -> tuple[float, float]:
    """Multiply-adds per second of one large product: torch's own, and the fast path's."""
    hidden = model.network.interactionnetwork.edge_model.edge_mlp[0].out_features
    a, b = torch.randn(2048, hidden), torch.randn(hidden, hidden)
    out = torch.empty_like(a)
    with torch.inference_mode():
        own = min(seconds(lambda: torch.mm(a, b, out=out)) for _ in range(200))
        ours = min(seconds(lambda: product(a, b)) for _ in range(200))
    return 2048 * hidden**2 / own, 2048 * hidden**2 / ours


def floor(model: lrp_core.Model) -> None:
    """Multiply-adds of an edge, and what one large product reaches on the same threads."""
    counts, (own, ours) = multiply_adds(model), rates(model)
    print("\n| | multiply-adds of an edge | over the forward pass | an edge takes at least |")
    print("| --- | --- | --- | --- |")
    for name, count in counts.items():
        least = count / (own if name == FORWARD else ours) * 1e6
        print(f"| {name} | {count:,} | {count / counts[FORWARD]:.2f} | {least:.2f} µs |")
    print(
        f"\nOne large product: {own / 1e9:.0f} G/s by torch's own library (the forward pass), ",
        end="",
    )
    print(f"{ours / 1e9:.0f} G/s by that of the fast path.")


def memory(given: list[str], rule: str, n_tracks: int) -> None:
    """In a process of its own: the highest resident memory of one explanation above the idle."""
    model, jets = load(given)
    lrp_core.explain(model, jets[0], rule=rule)
    tracks = np.concatenate([jets[index].tracks for index in range(n_tracks // 4)])[:n_tracks]
    jet = lrp_core.Jet.from_arrays(tracks, jets[0].columns)

    def resident(line: str) -> float:
        status = Path("/proc/self/status").read_text("ascii")
        return float(next(row.split()[1] for row in status.splitlines() if row.startswith(line)))

    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the highest starts from here
    idle = resident("VmRSS")
    took = seconds(lambda: lrp_core.explain(model, jet, rule=rule))
    print(f"{(resident('VmHWM') - idle) / 1024:.0f} MB, {took:.2f} s")


def load(given: list[str]) -> tuple[lrp_core.Model, Any]:
    if not given and SHARED.is_dir():
        names = ("hbb_jets.root", "IN.pth", "definitions.yml")
        given = [str(SHARED / name) for name in names]
    if not given:
        return lrp_core.load_model(), lrp_core.open_jets()
    return lrp_core.load_model(given[1], given[2]), lrp_core.open_jets(given[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("files", nargs="*", help="JETS.root MODEL.pth DEFINITIONS.yml")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, os.cpu_count() or 1}))
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--jets", type=int, help="only so many for the rates of a whole file")
    parser.add_argument("--default-memory", action="store_true")
    parser.add_argument("--memory", nargs=2, metavar=("RULE", "TRACKS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if len(given.files) not in (0, 3):
        parser.error("give JETS.root, MODEL.pth and DEFINITIONS.yml, or none of them")
    kept = not given.default_memory and keep_freed_memory()
    if given.memory:
        torch.set_num_threads(given.threads[0])
        memory(given.files, given.memory[0], int(given.memory[1]))
        return
    model, jets = load(given.files)
    print(f"{len(jets)} jets, torch {torch.__version__}, ", end="")
    print("freed memory kept, as by the service" if kept else "the allocator's defaults")
    for threads in given.threads:
        torch.set_num_threads(threads)
        print(f"\n{threads} thread(s); load of the machine {os.getloadavg()[0]:.1f}\n", flush=True)
        by_size(model, jets, given.repeats)
        whole_file(model, list(jets[: given.jets]))
        floor(model)
    print("\n| highest memory above the idle process | 200 tracks | 500 tracks |")
    print("| --- | --- | --- |")
    for rule in ("zero", "gamma(1.0)"):
        cells = []
        for n_tracks in (200, 500):
            command = [sys.executable, __file__, *given.files, "--threads", "1"]
            command += ["--memory", rule, str(n_tracks)]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)
            cells.append(ran.stdout.strip())
        print(f"| {rule} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
