"""Train the interaction network on files of jets."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import yaml
from torch import Tensor, nn

from lrp_core.allocator import keep_freed_memory
from lrp_core.errors import TrainingError
from lrp_core.evaluation import auc
from lrp_core.fused_forward import fused_forward
from lrp_core.interaction_network import InteractionNetwork
from lrp_core.jet_arrays import JetArrays

CLASSES = ("qcd", "hbb")


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    epochs: at most; patience: epochs without a lower validation loss before stopping; batch_jets:
    jets per step; learning_rate: the highest of the one-cycle schedule (Adam); max_tracks: of a jet
    only that many tracks, the first in its order; validation_share: share of the events kept aside;
    seed: of the split, the weights and the order; device: "cpu" or "cuda".
    """

    epochs: int = 8
    patience: int = 3
    batch_jets: int = 64
    learning_rate: float = 2e-3
    max_tracks: int = 60
    validation_share: float = 0.1
    seed: int = 0
    hidden: int = 128
    device: str = "cpu"


@dataclass(frozen=True)
class Epoch:
    """One epoch: its number from 1, mean training and validation loss, validation AUC, seconds."""

    number: int
    loss: float
    validation_loss: float
    validation_auc: float
    seconds: float


@dataclass(frozen=True)
class Graphs:
    """A batch of jets as complete graphs.

    x [n_tracks, n_columns], edge_index [2, n_edges], batch [n_tracks], target [n_jets].
    """

    x: Tensor
    edge_index: Tensor
    batch: Tensor
    target: Tensor


def split_by_event(
    jets: JetArrays, share: float, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of the jets to train on and of those to validate with; no event has jets in both."""
    events = np.unique(jets.event)
    chosen = np.random.default_rng([seed, 1]).permutation(len(events))
    aside = np.isin(jets.event, events[chosen[: max(1, round(share * len(events)))]])
    train, validation = np.flatnonzero(~aside), np.flatnonzero(aside)
    for rows in (train, validation):
        if len(np.unique(jets.signal[rows])) < 2:
            raise TrainingError(
                f"{len(jets)} jets of {len(events)} events are too few to be split into two parts "
                "with signal and background in each; give more jets"
            )
    return train, validation


def make_graphs(jets: JetArrays, rows: npt.NDArray[np.int64], max_tracks: int) -> Graphs:
    """Complete graphs of these jets; a jet of one track is left as one track without edges."""
    starts = jets.starts()[rows]
    counts = np.minimum(jets.counts[rows], max_tracks)
    first = np.cumsum(counts) - counts
    take = np.repeat(starts - first, counts) + np.arange(int(counts.sum()))
    batch = np.repeat(np.arange(len(rows)), counts)
    own = np.repeat(counts, counts)
    source = np.repeat(np.arange(len(take)), own)
    place = np.arange(len(source)) - np.repeat(np.cumsum(own) - own, own)
    destination = np.repeat(first[batch], own) + place
    edges = np.stack([source, destination])[:, source != destination]
    return Graphs(
        torch.from_numpy(jets.tracks[take]),
        torch.from_numpy(edges),
        torch.from_numpy(batch),
        torch.from_numpy(jets.signal[rows].astype(np.int64)),
    )


def batches(
    jets: JetArrays, rows: npt.NDArray[np.int64], settings: TrainingSettings
) -> Iterator[Graphs]:
    """The jets of these rows in this order, batch by batch; a last batch of one is left out."""
    for start in range(0, len(rows), settings.batch_jets):
        some = rows[start : start + settings.batch_jets]
        if len(some) > 1:
            yield make_graphs(jets, some, settings.max_tracks)


def predict_logits(
    network: InteractionNetwork, jets: JetArrays, *, max_tracks: int = 1000, device: str = "cpu"
) -> npt.NDArray[np.float64]:
    """Logits [n_jets, n_classes] of all jets, in evaluation mode."""
    was_training = network.training
    network.eval()
    out = []
    budget = 60_000
    edges = np.cumsum(np.minimum(jets.counts, max_tracks) ** 2)
    pieces = np.split(np.arange(len(jets)), np.flatnonzero(np.diff(edges // budget)) + 1)
    with torch.inference_mode():
        for rows in pieces:
            graphs = make_graphs(jets, rows, max_tracks)
            logits = fused_forward(
                network,
                graphs.x.to(device),
                graphs.edge_index.to(device),
                graphs.batch.to(device),
                len(rows),
            )
            out.append(logits.double().cpu().numpy())
    network.train(was_training)
    return np.concatenate(out)


def train(
    jets: JetArrays,
    out: Path,
    settings: TrainingSettings,
    report: Callable[[Epoch], None] = lambda _: None,
    step: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    sources: Sequence[str] = (),
) -> list[Epoch]:
    """Train on jets, write the checkpoint with the lowest validation loss to ``out``.

    Beside it: ``definitions.yml`` (columns and classes) and OUT.json (settings, epochs, versions).
    After every epoch the state goes to OUT.resume; a run that was stopped goes on from there when
    called again with the same settings and jets, and the file goes when it is done.
    Raises TrainingError if jets, settings and OUT.resume do not go together.
    """
    keep_freed_memory(all_of_it=True)
    train_rows, validation_rows = split_by_event(jets, settings.validation_share, settings.seed)
    torch.manual_seed(settings.seed)
    network = InteractionNetwork(len(jets.columns), len(CLASSES), settings.hidden)
    network = network.to(settings.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    n_steps = sum(
        1 for start in range(0, len(train_rows), settings.batch_jets) if len(train_rows) - start > 1
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=settings.learning_rate, total_steps=n_steps * settings.epochs
    )
    history: list[Epoch] = []
    best: dict[str, Tensor] = {}
    resume = out.with_name(out.name + ".resume")
    identity = {
        "settings": asdict(settings),
        "n_jets": len(jets),
        "columns": list(jets.columns),
        "sum": float(jets.tracks.astype(np.float64).sum()),
    }
    if resume.is_file():
        best = _resume(resume, identity, network, optimizer, schedule, history)
    while len(history) < settings.epochs and not _stalled(history, settings.patience):
        started = time.monotonic()
        number = len(history) + 1
        order = np.random.default_rng([settings.seed, 2, number]).permutation(train_rows)
        loss = _one_epoch(network, jets, order, settings, optimizer, schedule, step, n_steps)
        logits = predict_logits(
            network,
            take_jets(jets, validation_rows),
            max_tracks=settings.max_tracks,
            device=settings.device,
        )
        truth = jets.signal[validation_rows]
        margin = logits[:, 1] - logits[:, 0]
        epoch = Epoch(
            number,
            loss,
            float(np.logaddexp(0.0, np.where(truth, -margin, margin)).mean()),
            auc(margin, truth),
            time.monotonic() - started,
        )
        if not history or epoch.validation_loss < min(e.validation_loss for e in history):
            best = {k: v.detach().cpu().clone() for k, v in network.state_dict().items()}
        history.append(epoch)
        torch.save(
            {
                "identity": json.dumps(identity),
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "history": [asdict(e) for e in history],
                "best": best,
            },
            resume,
        )
        report(epoch)
    torch.save(best, out)
    (out.parent / "definitions.yml").write_text(
        yaml.safe_dump({"features": list(jets.columns), "classes": list(CLASSES)}, sort_keys=False),
        encoding="utf-8",
    )
    chosen = min(history, key=lambda e: e.validation_loss)
    card: dict[str, Any] = {
        "settings": asdict(settings),
        "n_jets": {"training": len(train_rows), "validation": len(validation_rows)},
        "n_signal": int(jets.signal.sum()),
        "sources": list(sources),
        "epochs": [asdict(e) for e in history],
        "chosen_epoch": chosen.number,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "torch-geometric", "numpy")},
        },
    }
    out.with_name(out.name + ".json").write_text(
        json.dumps(card, indent=2) + "\n", encoding="utf-8"
    )
    resume.unlink(missing_ok=True)
    return history


def _one_epoch(
    network: InteractionNetwork,
    jets: JetArrays,
    order: npt.NDArray[np.int64],
    settings: TrainingSettings,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.OneCycleLR,
    step: Callable[[int, int], None],
    n_steps: int,
) -> float:
    """Mean training loss of one epoch."""
    network.train()
    total, n_jets = 0.0, 0
    for done, graphs in enumerate(batches(jets, order, settings), start=1):
        target = graphs.target.to(settings.device)
        logits = fused_forward(
            network,
            graphs.x.to(settings.device),
            graphs.edge_index.to(settings.device),
            graphs.batch.to(settings.device),
            len(target),
        )
        loss = nn.functional.cross_entropy(logits, target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        value = float(loss.detach())
        if not np.isfinite(value):
            raise TrainingError(
                f"the loss became {value} in step {done}; try a lower learning rate"
            )
        total += value * len(target)
        n_jets += len(target)
        step(done, n_steps)
    return total / n_jets


def _stalled(history: list[Epoch], patience: int) -> bool:
    """Whether the last ``patience`` epochs did not lower the validation loss."""
    losses = [epoch.validation_loss for epoch in history]
    return len(losses) > patience and min(losses[-patience:]) > min(losses[:-patience])


def _resume(
    path: Path,
    identity: dict[str, Any],
    network: InteractionNetwork,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.OneCycleLR,
    history: list[Epoch],
) -> dict[str, Tensor]:
    """Go on where a run was stopped -> the best weights so far."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    if json.loads(state["identity"]) != identity:
        raise TrainingError(
            f"{path}: was left by a training with other settings or jets; "
            "delete it to start anew, or call with what it was started with"
        )
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    history += [Epoch(**epoch) for epoch in state["history"]]
    best: dict[str, Tensor] = state["best"]
    return best


def take_jets(jets: JetArrays, rows: npt.NDArray[np.int64]) -> JetArrays:
    """Only these jets."""
    starts, counts = jets.starts()[rows], jets.counts[rows]
    first = np.cumsum(counts) - counts
    take = np.repeat(starts - first, counts) + np.arange(int(counts.sum()))
    return JetArrays(
        jets.tracks[take],
        counts,
        jets.columns,
        jets.signal[rows],
        jets.kind[rows],
        jets.event[rows],
        jets.pt[rows],
        jets.sdmass[rows],
    )
