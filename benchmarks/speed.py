"""How fast jets are explained, beside the network's plain forward pass and what else people use.

    make bench [ARGS="--threads 1"]
    python benchmarks/speed.py [JETS.root MODEL.pth DEFINITIONS.yml] [--threads T] [--repeats N]

Without files, the jets of ../shared/cms-open-data where they are, else those that come along.
Everything runs in one process, in turn, on the same jet; of each the median counts, and the ratio
to the forward pass is taken within each turn. Rivals that are not installed are left out by name.
--kept-memory has glibc keep freed memory, as training does; without, its defaults, as the service.
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
from lrp_core.training import _keep_memory

SHARED = Path(__file__).resolve().parents[2] / "shared" / "cms-open-data"
SIZES = (16, 32, 64, 118)
BATCHES = (1, 16, 128)
STEPS = 50  # of integrated gradients
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
        "plain forward pass": forward,
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


def measured(some: list[Callable[[], object]], repeats: int) -> np.ndarray:
    """Seconds of every work in every turn [repeats, works]; slow ones have fewer turns."""
    first = [seconds(work) for work in some]
    table = np.full((repeats, len(some)), np.nan)
    for turn in range(repeats):
        for number, work in enumerate(some):
            if turn < 2 or first[number] < 1.0:
                table[turn, number] = seconds(work)
    return table


def by_size(model: lrp_core.Model, jets: Any, repeats: int) -> None:
    """Medians and ratios to the forward pass, by size and over jets spread over the file."""
    found, missing = works(model)
    n_tracks = np.asarray(jets.summary().n_tracks)
    nearest = {size: np.argsort(abs(n_tracks - size), kind="stable")[:3] for size in SIZES}
    spread = np.unique(np.linspace(0, len(jets) - 1, 25).astype(int))
    columns = {f"{size} tracks": chosen for size, chosen in nearest.items()} | {"median": spread}
    cells: dict[str, list[str]] = {name: [] for name in found}
    heads = []
    for head, chosen in columns.items():
        times, ratios = [], []
        for index in chosen:
            jet = jets[int(index)]
            slow = head == "median"
            some = {name: work for name, work in found.items() if not (slow and "captum" in name)}
            table = measured([work(jet) for work in some.values()], repeats)
            times.append(np.nanmedian(table, axis=0))
            ratios.append(np.nanmedian(table / table[:, :1], axis=0))
        at = "median of 25 jets" if head == "median" else head
        heads.append(at)
        typical = np.median(times, axis=0), np.median(ratios, axis=0)
        for name in found:
            if name in some:
                time_, ratio = (float(part[list(some).index(name)]) for part in typical)
                cells[name].append(f"{time_ * 1e3:.2f} ms, {ratio:.2f}")
            else:
                cells[name].append("–")
    print(f"| | {' | '.join(heads)} |\n| --- |{' --- |' * len(heads)}")
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
    rivals = [name for name in found if name == "plain forward pass" or "zennit" in name]
    for name in rivals:
        took = sum(seconds(found[name](jet)) for jet in jets)
        print(f"| {name} | {len(jets) / took:.0f} | | |", flush=True)
    for rule in (lrp_core.Zero(), lrp_core.Gamma(1.0)):
        cells = []
        for batch in BATCHES:
            packs = [jets[at : at + batch] for at in range(0, len(jets), batch)]
            took = seconds(
                lambda packs=packs, rule=rule: [  # type: ignore[misc]
                    lrp_core.explain_batch(model, pack, rule=rule) for pack in packs
                ]
            )
            cells.append(f"{len(jets) / took:.0f}")
        print(f"| fast path, {rule.title} | {' | '.join(cells)} |", flush=True)


def floor(model: lrp_core.Model) -> None:
    """Multiply-adds of an edge, and what one large product reaches on the same threads."""
    hidden = model.network.interactionnetwork.edge_model.edge_mlp[0].out_features
    f, square = len(model.columns), hidden * hidden
    plain = 2 * f * hidden + 3 * square + f * hidden
    needed = {
        "plain forward pass": plain,
        "LRP-0": 2 * square + 3 * f * hidden,
        "LRP-γ": 12 * square + 6 * f * hidden,
    }
    a, b = torch.randn(2048, hidden), torch.randn(hidden, hidden)
    out = torch.empty_like(a)
    took = min(seconds(lambda: torch.mm(a, b, out=out)) for _ in range(200))
    rate = 2048 * square / took
    print("\n| | multiply-adds of an edge | over the forward pass | an edge takes at least |")
    print("| --- | --- | --- | --- |")
    for name, count in needed.items():
        print(f"| {name} | {count:,} | {count / plain:.2f} | {count / rate * 1e6:.2f} µs |")
    print(f"\nOne product [2048, {hidden}] x [{hidden}, {hidden}]: {rate / 1e9:.0f} G/s.")


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
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--jets", type=int, help="only so many for the rates of a whole file")
    parser.add_argument("--kept-memory", action="store_true")
    parser.add_argument("--memory", nargs=2, metavar=("RULE", "TRACKS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if len(given.files) not in (0, 3):
        parser.error("give JETS.root, MODEL.pth and DEFINITIONS.yml, or none of them")
    torch.set_num_threads(given.threads)
    if given.kept_memory:
        _keep_memory()
    if given.memory:
        memory(given.files, given.memory[0], int(given.memory[1]))
        return
    model, jets = load(given.files)
    kept = "kept freed memory" if given.kept_memory else "glibc's defaults"
    load_1 = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{len(jets)} jets, {given.threads} threads, torch {torch.__version__}, {kept}; ", end="")
    print(f"load of the machine at the start {load_1:.1f}\n", flush=True)
    by_size(model, jets, given.repeats)
    whole_file(model, list(jets[: given.jets]))
    floor(model)
    print("\n| highest memory above the idle process | 200 tracks | 500 tracks |")
    print("| --- | --- | --- |")
    for rule in ("zero", "gamma(1.0)"):
        cells = []
        for n_tracks in (200, 500):
            command = [sys.executable, __file__, *given.files, "--threads", str(given.threads)]
            command += ["--memory", rule, str(n_tracks)]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)
            cells.append(ran.stdout.strip())
        print(f"| {rule} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
